// The list of the account's escrows: how far each has come, and its receipt once a miner delivered.

import { formatAit, groupDigits } from "./amount.js";
import { byId, fill, fromTemplate, part, setShortened, setText, syncList } from "./dom.js";

const STAGES = { opening: 0, open: 1, settled: 2, refunded: 2, failed: 0, unknown: 0 };

function explain({ status, failure, expires_height, receipt, final }, height) {
  switch (status) {
    case "opening":
      return "Waiting for the block that opens it.";
    case "open": {
      const left = Math.max(0, expires_height - height);
      return `Waiting for a miner; comes back to you in ${groupDigits(left)} ${left === 1 ? "block" : "blocks"} otherwise.`;
    }
    case "settled":
      if (receipt) return `Delivered and paid in block ${groupDigits(receipt.height)}.`;
      return final ? "Settled; the node no longer has the block of its receipt." : "Settled; looking for its receipt…";
    case "refunded":
      return "Nobody claimed it: all of it came back to you.";
    case "failed":
      return `Not opened: ${failure}`;
    default:
      return "This chain knows no such escrow.";
  }
}

function updateReceipt(card, { receipt }) {
  const paper = part(card, "receipt");
  paper.hidden = !receipt;
  if (!receipt) return;
  fill(paper, {
    receipt_id: receipt.receipt_id,
    compute_units: groupDigits(receipt.compute_units),
    price: `${formatAit(receipt.price)} AIT`,
    minted: `${formatAit(receipt.minted)} AIT`,
    returned: `${formatAit(receipt.returned)} AIT`,
  });
  part(paper, "receipt_id").title = receipt.receipt_id;
  setShortened(part(paper, "miner"), receipt.miner, 10, 6);
}

function updateStages(card, status) {
  const reached = STAGES[status] ?? 0;
  [...part(card, "stages").children].forEach((stage, index) => {
    stage.dataset.stage =
      index < reached || (index === reached && reached === 2) ? "done" : index === reached ? "now" : "ahead";
    if (index === reached) stage.setAttribute("aria-current", "step");
    else stage.removeAttribute("aria-current");
  });
  setText(part(card, "outcome"), status === "refunded" ? "Refunded" : "Receipt");
}

function update(card, record, height) {
  card.dataset.status = record.status;
  fill(card, {
    job_id: record.job_id,
    amount: `${formatAit(record.amount)} AIT`,
    explanation: explain(record, height),
  });
  updateStages(card, record.status);
  updateReceipt(card, record);
  part(card, "dismiss").hidden = !record.final;
}

/** Shows the records, newest first, as of a height; `onDismiss(jobId)` takes one off the list. */
export function showEscrows(records, { height, onDismiss }) {
  byId("escrows-empty").hidden = records.length > 0;
  syncList(byId("escrows"), records, {
    key: ({ job_id }) => job_id,
    create: ({ job_id }) => {
      const card = fromTemplate("escrow-card");
      const dismiss = part(card, "dismiss");
      dismiss.setAttribute("aria-label", `Dismiss ${job_id}`);
      dismiss.addEventListener("click", () => {
        onDismiss(job_id);
        byId("escrows-heading").focus();
      });
      return card;
    },
    update: (card, record) => update(card, record, height),
  });
}
