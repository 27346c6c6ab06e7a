// The list of the account's escrows: how far each has come, who may claim it, what is left of it, why it ended,
// and the receipt that was paid last.

import { formatAit, groupDigits } from "./amount.js";
import { receiptPath } from "./api.js";
import { byId, fill, fromTemplate, ofKind, part, setShortened, setText, syncList } from "./dom.js";

/** @typedef {import("./escrows.js").Escrow} Escrow */

/**
 * What the buttons of a card do.
 * @typedef {object} Actions
 * @property {(jobId: string) => void} onDismiss
 * @property {(jobId: string) => void} onTopUp
 * @property {(jobId: string) => void} onCancel
 */

/** @typedef {{ height: number, notice: number }} Moment the height, and how many blocks a cancel leaves */

/** @type {Record<Escrow["status"], number>} */
const STAGES = { opening: 0, open: 1, settled: 2, refunded: 2, failed: 0, unknown: 0 };

/** @param {number} count */
const blocks = (count) => `${groupDigits(count)} ${count === 1 ? "block" : "blocks"}`;

/**
 * Whether the client may end the escrow, and it would end sooner for it (PROTOCOL section 3.11).
 * @param {Pick<Escrow, "status" | "miner" | "cancelled" | "expires_height">} record
 * @param {Moment} moment
 */
export const isCancellable = ({ status, miner, cancelled, expires_height: end = 0 }, { height, notice }) =>
  status === "open" && !miner && !cancelled && end > height + 1 + notice;

/**
 * @param {Escrow} record
 * @param {number} height
 */
function explainOpen(record, height) {
  const { miner, cancelled, partial, claims = 0, remaining, amount, expires_height: end = 0, unknownJob } = record;
  if (end <= height + 1) return "Its time is over: what remains comes back to you.";
  const rest = remaining === amount ? "comes back to you" : "the rest comes back to you";
  const left = blocks(end - height);
  if (cancelled) return `Cancelled: ${rest} in ${left} unless a miner delivers first.`;
  if (unknownJob && !miner) return `Its coordinator knows no such job, so no miner gets it; ${rest} in ${left}.`;
  if (partial && claims > 0) return `Waiting for the next part; ${rest} in ${left} otherwise.`;
  return `Waiting for ${miner ? "its miner" : "a miner"}; ${rest} in ${left} otherwise.`;
}

/** @param {Escrow} record */
function explainRefund({ reason, closed_height: height, claims = 0, returned }) {
  // The chain deleted its record before this page saw it end.
  if (!reason || reason === "settled" || !height) return "It ended unclaimed, and what remained came back to you.";
  const end = {
    cancelled: "Cancelled",
    released: "Released by its coordinator",
    expired: claims > 0 ? "Its time was over" : "Nobody claimed it in time",
  }[reason];
  const rest = returned === undefined ? "what remained" : `${formatAit(returned)} AIT`;
  return `${end}: ${rest} came back to you in block ${groupDigits(height)}.`;
}

/**
 * How far an escrow has come, as of a height, in a sentence.
 * @param {Escrow} record
 * @param {number} height
 */
export function explain(record, height) {
  const { status, failure, receipt, final } = record;
  switch (status) {
    case "opening":
      return "Waiting for the block that opens it.";
    case "open":
      return explainOpen(record, height);
    case "settled":
      if (receipt) return `Delivered and paid in block ${groupDigits(receipt.height)}.`;
      return final ? "Settled; the node no longer has its receipt." : "Settled; looking for its receipt…";
    case "refunded":
      return explainRefund(record);
    case "failed":
      return `Not opened: ${failure}`;
    default:
      return "This chain knows no such escrow.";
  }
}

/**
 * @param {HTMLElement} card
 * @param {Escrow} record
 */
function showMiner(card, { miner, assigned }) {
  const name = part(card, "bound_miner");
  if (miner) setShortened(name, miner, 10, 6);
  else setText(name, "none");
  setText(part(card, "bound_by"), miner ? (assigned ? "assigned" : "named by you") : "");
}

/**
 * @param {HTMLElement} card
 * @param {Escrow} record
 */
function updateTerms(card, record) {
  const terms = part(card, "terms");
  const { opened_height, expires_height = 0, closed_height, amount } = record;
  const { remaining = amount, paid = 0, partial, claims = 0 } = record;
  terms.hidden = !opened_height;
  if (!opened_height) return;
  const { attesters = [], threshold } = record;
  showMiner(card, record);
  setShortened(part(card, "coordinator"), record.coordinator, 10, 6);
  fill(card, {
    signers: attesters.length === 0 ? "" : `${threshold} of ${attesters.length + 1} attest`,
    locked: `${formatAit(amount)} AIT`,
    remaining: `${formatAit(remaining)} AIT`,
    paid: `${formatAit(paid)} AIT`,
    parts: partial ? `in ${claims} ${claims === 1 ? "part" : "parts"}` : "",
    end_label: closed_height ? "Closed in block" : "Ends in block",
    end: groupDigits(closed_height ?? expires_height),
  });
}

/**
 * @param {HTMLElement} card
 * @param {Escrow} record
 */
function updateReceipt(card, { receipt, returned, status }) {
  const paper = part(card, "receipt");
  paper.hidden = !receipt;
  if (!receipt) return;
  const { receipt_id, miner, compute_units, price, minted, limited_by } = receipt;
  fill(paper, {
    receipt_id,
    compute_units: groupDigits(compute_units),
    price: `${formatAit(price)} AIT`,
    minted: `${formatAit(minted)} AIT`,
    limited_by: limited_by ? `limited by ${limited_by}` : "",
    returned: returned === undefined ? "" : `${formatAit(returned)} AIT`,
  });
  part(paper, "rest").hidden = status === "open" || returned === undefined;
  const link = part(paper, "receipt_id");
  const path = receiptPath(miner, receipt_id);
  link.title = receipt_id;
  if (link.getAttribute("href") !== path) link.setAttribute("href", path);
  setShortened(part(paper, "miner"), miner, 10, 6);
}

/**
 * @param {HTMLElement} card
 * @param {Escrow["status"]} status
 */
function updateStages(card, status) {
  const reached = STAGES[status] ?? 0;
  [...part(card, "stages").children].forEach((stage, index) => {
    ofKind(HTMLElement, stage).dataset.stage =
      index < reached || (index === reached && reached === 2) ? "done" : index === reached ? "now" : "ahead";
    if (index === reached) stage.setAttribute("aria-current", "step");
    else stage.removeAttribute("aria-current");
  });
  setText(part(card, "outcome"), status === "refunded" ? "Refunded" : "Receipt");
}

/**
 * @param {HTMLElement} card
 * @param {Escrow} record
 * @param {Moment} moment
 */
function update(card, record, { height, notice }) {
  card.dataset.status = record.status;
  fill(card, {
    job_id: record.job_id,
    amount: `${formatAit(record.amount)} AIT`,
    explanation: explain(record, height),
  });
  updateStages(card, record.status);
  updateTerms(card, record);
  updateReceipt(card, record);
  part(card, "dismiss").hidden = !record.final;
  part(card, "actions").hidden = record.status !== "open" || (record.expires_height ?? 0) <= height + 1;
  part(card, "cancel").hidden = !isCancellable(record, { height, notice });
}

/**
 * @param {Escrow} record
 * @param {Actions} actions
 */
function create({ job_id: jobId }, { onDismiss, onTopUp, onCancel }) {
  const card = fromTemplate("escrow-card");
  /**
   * @param {string} name
   * @param {string} label
   * @param {(jobId: string) => void} work
   */
  const onPress = (name, label, work) => {
    part(card, name).setAttribute("aria-label", `${label} ${jobId}`);
    part(card, name).addEventListener("click", () => work(jobId));
  };
  onPress("top-up", "Top up", onTopUp);
  onPress("cancel", "Cancel", onCancel);
  onPress("dismiss", "Dismiss", () => {
    onDismiss(jobId);
    byId("escrows-heading").focus();
  });
  return card;
}

/**
 * Shows the records, newest first, with what the presses of a card's buttons do.
 * @param {Escrow[]} records
 * @param {Moment & Actions} how
 */
export function showEscrows(records, { height, notice, ...actions }) {
  byId("escrows-empty").hidden = records.length > 0;
  syncList(byId("escrows"), records, {
    key: ({ job_id }) => job_id,
    create: (record) => create(record, actions),
    update: (card, record) => update(card, record, { height, notice }),
  });
}
