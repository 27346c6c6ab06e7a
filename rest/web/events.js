// Reads transactions as the node tells of them (getTx, the live feed, blocks) and the events in their receipts.
// Pure; the one place that knows the shapes these come in.

/** The attributes of a receipt's first event of a kind as `{name: text}`, or null where it has none. */
export function eventAttributes(receipt, kind) {
  const event = receipt?.events?.find(({ type }) => type === kind);
  if (!event) return null;
  const { attributes = {} } = event;
  if (!Array.isArray(attributes)) return attributes;
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}

/** Whether a transaction's receipt says that it succeeded. */
export const succeeded = (view) => view.status === "committed" && Boolean(view.receipt);

/**
 * What a block lists for each of its transactions: `{hash, tx}`, either of which may be missing there.
 */
export function listedTransactions(block) {
  return (block.txs ?? []).map((entry) => {
    if (typeof entry === "string") return { hash: entry };
    return { hash: entry.txHash ?? entry.hash, tx: entry.tx ?? entry };
  });
}

/** Why a failed transaction failed: its log, and the codespace and number of its code, such as `bank 30`. */
export function failureOf({ code, codespace, log }) {
  const name = [codespace, code].filter((part) => part !== undefined && part !== "").join(" ");
  if (!log) return name || "the node gave no reason";
  return name ? `${log} (${name})` : log;
}
