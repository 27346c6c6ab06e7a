// The list of the account's transactions and what became of each.

import { formatAit, groupDigits } from "./amount.js";
import { byId, fill, fromTemplate, part, setShortened, setText, shorten, syncList } from "./dom.js";

const STATUS_LABELS = {
  sending: "Sending",
  pending: "Pending",
  committed: "Committed",
  failed: "Failed",
  dropped: "Dropped",
};

function titleOf({ incoming, type, sender, payload }) {
  if (incoming) return sender ? `From ${shorten(sender)}` : "From the faucet";
  if (type === "TRANSFER") return `To ${shorten(payload.to)}`;
  return `Escrow for ${payload.job_id}`;
}

/** One line of a record's outcome, for the list and for announcing it. */
export function describe(record) {
  const { status, height, failure } = record;
  if (status === "committed") return `block ${groupDigits(height)}`;
  if (failure) return height ? `block ${groupDigits(height)}: ${failure}` : failure;
  return status === "sending" ? "waiting for the node" : "waiting for a block";
}

/** The label of a record's status. */
export const statusLabel = ({ status }) => STATUS_LABELS[status] ?? status;

function update(row, record) {
  const { status, incoming, payload, fee, hash } = record;
  row.dataset.status = status;
  row.classList.toggle("incoming", Boolean(incoming));
  fill(row, {
    title: titleOf(record),
    amount: `${incoming ? "+" : "−"}${formatAit(payload.amount)}`,
    status: statusLabel(record),
    outcome: describe(record),
    fee: incoming || fee === undefined ? "" : `fee ${formatAit(fee)}`,
  });
  setShortened(part(row, "hash"), hash, 8, 6);
  const memo = part(row, "memo");
  setText(memo, payload.memo ?? "");
  memo.hidden = !payload.memo;
}

/** Shows the records, newest first. */
export function showActivity(records) {
  byId("activity-empty").hidden = records.length > 0;
  syncList(byId("activity"), records, {
    key: ({ hash }) => hash,
    create: () => fromTemplate("activity-row"),
    update,
  });
}
