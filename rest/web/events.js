// Reads transactions as the node tells of them (getTx, the live feed) and the events in their receipts.
// Pure; the one place that knows the shapes these come in.

/** The events that tell a client what becomes of its escrows. */
const NEWS = [
  "escrow_assigned",
  "escrow_topped_up",
  "escrow_cancelled",
  "receipt_claimed",
  "receipt_refused",
  "escrow_refunded",
];

const attributesOf = ({ attributes = [] }) =>
  Array.isArray(attributes) ? Object.fromEntries(attributes.map(({ key, value }) => [key, value])) : attributes;

/** The attributes of a receipt's first event of a kind as `{name: text}`, or null where it has none. */
export function eventAttributes(receipt, kind) {
  const event = receipt?.events?.find(({ type }) => type === kind);
  return event ? attributesOf(event) : null;
}

/**
 * What a transaction in a block tells a client of its escrows, each as `{event, height, hash}` and the event's
 * attributes, which are text. A claim tells what it `returned`, where it settled. What failed may tell something
 * too: a claim that its coordinator denied refuses the receipt.
 */
export function newsFor(client, { receipt }, hash) {
  const told = (receipt?.events ?? []).filter(({ type }) => NEWS.includes(type));
  const news = told.map((event) => ({ ...attributesOf(event), event: event.type, height: receipt.height, hash }));
  const returned = told.length > 0 ? eventAttributes(receipt, "escrow_settled")?.returned : undefined;
  return news
    .filter((item) => item.client === client)
    .map((item) => (item.event === "receipt_claimed" && returned !== undefined ? { ...item, returned } : item));
}

/** What makes one piece of news the same as another, whether a transaction or the state told it. */
export function newsId({ event, job_id, miner, receipt_id, height, hash }) {
  if (event === "receipt_claimed") return `${event}/${miner}/${receipt_id}`;
  if (event === "escrow_refunded") return `${event}/${job_id}/${height}`;
  return `${event}/${job_id}/${height}/${hash}`;
}

/** Whether a transaction's receipt says that it succeeded. */
export const succeeded = (view) => view.status === "committed" && Boolean(view.receipt);

/** Why a failed transaction failed: its log, and the codespace and number of its code, such as `bank 30`. */
export function failureOf({ code, codespace, log }) {
  const name = [codespace, code].filter((part) => part !== undefined && part !== "").join(" ");
  if (!log) return name || "the node gave no reason";
  return name ? `${log} (${name})` : log;
}

/** Why the node dropped a transaction, from an error's `{message, codespace, code}` or a text. */
export function dropReason(reason) {
  if (typeof reason === "string" && reason !== "") return reason;
  const { message, codespace, code } = reason || {};
  const name = [codespace, code].filter((part) => part !== undefined && part !== "").join("/");
  if (!message) return name || "the node dropped it without a reason";
  return name ? `${message} (${name})` : message;
}
