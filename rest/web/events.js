// Reads transactions as the node tells of them (getTx, the live feed) and the events in their receipts.
// Pure; the one place that knows the shapes these come in.

/** @typedef {import("./api.js").TxReceipt} TxReceipt */
/** @typedef {import("./api.js").TxView} TxView */
/** @typedef {import("./api.js").Transaction} Transaction */
/** @typedef {import("./api.js").Schemas["DropReason"]} DropReason */

/**
 * What happened to an escrow: an event's kind, where it happened, and its attributes, which are text where a
 * transaction told them.
 * @typedef {object} News
 * @property {string} event
 * @property {number | null} height
 * @property {string} [hash]
 * @property {string} [job_id]
 * @property {string} [receipt_id]
 * @property {string} [client]
 * @property {string} [miner]
 * @property {string} [sender]
 * @property {string | null} [reason]
 * @property {string | number} [price]
 * @property {string | number} [amount]
 * @property {string | number} [returned]
 * @property {string | number} [remaining]
 * @property {string | number} [expires_height]
 */

/** The events that tell a client what becomes of its escrows. */
const NEWS = [
  "escrow_assigned",
  "escrow_topped_up",
  "escrow_cancelled",
  "receipt_claimed",
  "receipt_refused",
  "escrow_refunded",
];

/**
 * The transaction that a node tells of; null where it was dropped. The document leaves open what a transaction is,
 * as a proposer's entry is none.
 * @param {TxView} view
 */
export const transactionOf = ({ tx }) => /** @type {Transaction | null} */ (tx);

/**
 * @param {TxReceipt["events"][number]} event
 * @returns {Record<string, string>}
 */
const attributesOf = ({ attributes }) => Object.fromEntries(attributes.map(({ key, value }) => [key, value]));

/**
 * The attributes of a receipt's first event of a kind as `{name: text}`, or null where it has none.
 * @param {TxReceipt | null | undefined} receipt
 * @param {string} kind
 */
export function eventAttributes(receipt, kind) {
  const event = receipt?.events?.find(({ type }) => type === kind);
  return event ? attributesOf(event) : null;
}

/**
 * What a transaction in a block tells a client of its escrows, each as `{event, height, hash}` and the event's
 * attributes, which are text. A claim tells what it `returned`, where it settled. What failed may tell something
 * too: a claim that its coordinator denied refuses the receipt.
 * @param {string} client
 * @param {Pick<TxView, "receipt">} view
 * @param {string} [hash]
 * @returns {News[]}
 */
export function newsFor(client, { receipt }, hash) {
  if (!receipt) return [];
  const { events, height } = receipt;
  const told = events.filter(({ type }) => NEWS.includes(type));
  /** @type {News[]} */
  const news = told.map((event) => ({ ...attributesOf(event), event: event.type, height, hash }));
  const returned = told.length > 0 ? eventAttributes(receipt, "escrow_settled")?.returned : undefined;
  return news
    .filter((item) => item.client === client)
    .map((item) => (item.event === "receipt_claimed" && returned !== undefined ? { ...item, returned } : item));
}

/**
 * What makes one piece of news the same as another, whether a transaction or the state told it.
 * @param {News} news
 */
export function newsId({ event, job_id, miner, receipt_id, height, hash }) {
  if (event === "receipt_claimed") return `${event}/${miner}/${receipt_id}`;
  if (event === "escrow_refunded") return `${event}/${job_id}/${height}`;
  return `${event}/${job_id}/${height}/${hash}`;
}

/**
 * Whether a transaction's receipt says that it succeeded.
 * @param {Pick<TxView, "status" | "receipt">} view
 */
export const succeeded = (view) => view.status === "committed" && Boolean(view.receipt);

/**
 * Why a failed transaction failed: its log, and the codespace and number of its code, such as `bank 30`.
 * @param {Partial<TxReceipt>} receipt
 */
export function failureOf({ code, codespace, log }) {
  const name = [codespace, code].filter((part) => part !== undefined && part !== "").join(" ");
  if (!log) return name || "the node gave no reason";
  return name ? `${log} (${name})` : log;
}

/**
 * Why the node dropped a transaction.
 * @param {Partial<DropReason> | null | undefined} reason
 */
export function dropReason(reason) {
  const { message, codespace, code } = reason ?? {};
  const name = [codespace, code].filter((part) => part !== undefined && part !== "").join("/");
  if (!message) return name || "the node dropped it without a reason";
  return name ? `${message} (${name})` : message;
}
