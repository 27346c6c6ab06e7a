// The list of the account's transactions and what became of each, with the news of its escrows among them.

import { formatAit, groupDigits } from "./amount.js";
import { byId, fill, fromTemplate, part, setShortened, setText, shorten, syncList } from "./dom.js";
import { idOf } from "./outbox.js";

/** @typedef {import("./events.js").News} News */
/** @typedef {import("./outbox.js").Activity} Activity */

/** @type {Record<string, string>} */
const STATUS_LABELS = {
  sending: "Sending",
  pending: "Pending",
  committed: "Committed",
  failed: "Failed",
  dropped: "Dropped",
  escrow_assigned: "Assigned",
  escrow_topped_up: "Topped up",
  escrow_cancelled: "Cancelled",
  receipt_claimed: "Paid",
  receipt_refused: "Refused",
  escrow_refunded: "Refunded",
};

/** The two kinds of news in which coins come to the account, or to its escrow. */
const INCOMING_NEWS = ["escrow_refunded", "escrow_topped_up"];

/**
 * What an event says happened to the escrow that its row is about, or to the one of the same job `before` it.
 * @param {News} news
 * @param {boolean} before
 */
function story({ event, miner = "", price = 0, amount, returned, remaining = 0, expires_height, reason }, before) {
  const end = expires_height ?? 0;
  switch (event) {
    case "escrow_assigned":
      return `only ${shorten(miner)} may claim`;
    case "escrow_topped_up":
      return `${formatAit(remaining)} AIT remain, until block ${groupDigits(end)}`;
    case "escrow_cancelled":
      return `ends in block ${groupDigits(end)}`;
    case "receipt_claimed": {
      const paid = `${formatAit(price)} AIT to ${shorten(miner)}`;
      return returned === undefined ? paid : `${paid}, ${formatAit(returned)} AIT came back`;
    }
    case "receipt_refused":
      return `the work of ${shorten(miner)} was denied`;
    case "escrow_refunded": {
      const ended = `${before ? "the one before" : "it"} ${endOf(reason)}`;
      return amount === undefined ? ended : `${ended}, ${formatAit(amount)} AIT came back`;
    }
    default:
      return "";
  }
}

/** @param {News["reason"]} reason */
function endOf(reason) {
  if (reason === "released") return "was released";
  return reason === "cancelled" ? "was cancelled" : "expired";
}

/** @param {Activity} record */
function titleOf({ id, news = [], incoming, type, sender, payload = {} }) {
  if (id) return titleOfNews(news[0]);
  if (incoming) return sender ? `From ${shorten(sender)}` : "From the faucet";
  if (type === "TRANSFER") return `To ${shorten(payload.to ?? "")}`;
  if (type === "ESCROW_TOPUP") return `Top-up for ${payload.job_id}`;
  if (type === "ESCROW_CANCEL") return `Cancel for ${payload.job_id}`;
  return `Escrow for ${payload.job_id}`;
}

/** @param {News} news */
function titleOfNews({ event, job_id: jobId, sender = "" }) {
  if (event === "escrow_assigned") return `Miner for ${jobId}`;
  if (event === "escrow_topped_up") return `Top-up for ${jobId} by ${shorten(sender)}`;
  return event.startsWith("receipt_") ? `Receipt for ${jobId}` : `Escrow for ${jobId}`;
}

/**
 * A record's amount with its sign; empty where it has none.
 * @param {Activity} record
 */
function amountOf({ id, news = [], incoming, payload = {} }) {
  if (!id) return payload.amount === undefined ? "" : `${incoming ? "+" : "−"}${formatAit(payload.amount)}`;
  const [{ event, amount, price = 0 }] = news;
  if (event === "receipt_claimed") return formatAit(price);
  return INCOMING_NEWS.includes(event) && amount !== undefined ? `+${formatAit(amount)}` : "";
}

/**
 * One line of a record's outcome, for the list and for announcing it.
 * @param {Activity} record
 */
export function describe({ id, status, height, failure, news = [] }) {
  if (height) {
    const stories = news.map((item) => story(item, !id)).filter((text) => text !== "");
    return [`block ${groupDigits(height)}`, failure, ...stories].filter(Boolean).join(": ");
  }
  if (failure) return failure;
  return status === "sending" ? "waiting for the node" : "waiting for a block";
}

/**
 * The label of a record's status.
 * @param {Pick<Activity, "status">} record
 */
export const statusLabel = ({ status }) => STATUS_LABELS[status] ?? status;

/**
 * One sentence of a record, for those who listen to the page.
 * @param {Activity} record
 */
export const tell = (record) =>
  record.id
    ? `${titleOf(record)}: ${statusLabel(record)}, ${describe(record)}`
    : `${statusLabel(record)}: ${describe(record)}`;

/**
 * @param {HTMLElement} row
 * @param {Activity} record
 */
function update(row, record) {
  const { id, status, incoming, payload, fee, hash } = record;
  const amount = amountOf(record);
  row.dataset.status = status;
  row.classList.toggle("incoming", Boolean(incoming) || amount.startsWith("+"));
  fill(row, {
    title: titleOf(record),
    amount,
    status: statusLabel(record),
    outcome: describe(record),
    fee: id || incoming || fee === undefined || status === "dropped" ? "" : `fee ${formatAit(fee)}`,
  });
  part(row, "sum").hidden = amount === "";
  setShortened(part(row, "hash"), hash ?? "", 8, 6);
  const memo = part(row, "memo");
  setText(memo, payload?.memo ?? "");
  memo.hidden = !payload?.memo;
}

/**
 * Shows the records, newest first.
 * @param {Activity[]} records
 */
export function showActivity(records) {
  byId("activity-empty").hidden = records.length > 0;
  syncList(byId("activity"), records, {
    key: idOf,
    create: () => fromTemplate("activity-row"),
    update,
  });
}
