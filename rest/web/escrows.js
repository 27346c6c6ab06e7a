// The account's escrows: follows each from its opening to its end, with the receipt that was paid last.
// Owns the list "escrows". An escrow passes opening -> open -> settled | refunded, or ends as failed | unknown.

import { eventAttributes } from "./events.js";

const REMEMBERED = 20;

// What the node tells of may be a moment behind its state.
const LOOKS_BEFORE_MISSING = 3;

/** What a record keeps of the chain's escrow (PROTOCOL section 7.8), under the same names. */
const KEPT = [
  "amount",
  "assigned",
  "attesters",
  "cancelled",
  "claims",
  "closed_height",
  "coordinator",
  "expires_height",
  "last_receipt",
  "miner",
  "opened_height",
  "paid",
  "partial",
  "reason",
  "remaining",
  "status",
  "threshold",
];

// What a claim returned to the client stands in its transaction alone, which the node may tell a moment later.
const hasRest = (receipt) => receipt?.returned !== undefined;

const isSameReceipt = (left, right) => left?.miner === right?.miner && left?.receipt_id === right?.receipt_id;

/** The escrows this browser opened with one wallet on one chain. */
export class EscrowBook extends EventTarget {
  #api;
  #client;
  #outbox;
  #records;

  #knowsJob;
  #asked = new Set();

  /** `knowsJob({client, job_id, coordinator, amount})` asks whether a coordinator knows a job: true, false or null. */
  constructor({ api, client, outbox, records, knowsJob = async () => null }) {
    super();
    this.#knowsJob = knowsJob;
    this.#api = api;
    this.#client = client;
    this.#outbox = outbox;
    this.#records = records;
    records.onElsewhere(() => this.#changed());
  }

  /** How many records the list keeps. */
  static get limit() {
    return REMEMBERED;
  }

  /** All remembered escrows, newest first. */
  list() {
    return this.#records.all();
  }

  /** The escrow of a job, or undefined. */
  find(jobId) {
    return this.list().find(({ job_id }) => job_id === jobId);
  }

  /** Begins to follow the escrow that the transaction `hash` opens. */
  add({ payload, hash }) {
    const { job_id, coordinator, amount } = payload;
    this.#put({ job_id, coordinator, amount, hash, status: "opening" });
  }

  /** Takes a finished escrow off the list. */
  dismiss(jobId) {
    this.#records.remove(({ job_id }) => job_id === jobId);
    this.#changed();
  }

  /** Forgets everything. */
  clear() {
    this.#records.clear();
  }

  /** Brings every escrow that is not finished up to what the node knows. */
  async refresh() {
    for (const record of this.list()) {
      const opening = this.#outbox.find(record.hash);
      if (record.status === "failed" && opening?.status === "committed") this.#reopen(record);
      if (record.final) continue;
      if (record.status === "opening" && opening && !this.#isOpened(record, opening)) continue;
      await this.#follow(record);
    }
  }

  /** Whether the transaction that opens an escrow is in a block; notes where it never will be. */
  #isOpened(record, { status, failure }) {
    if (status === "failed" || status === "dropped") this.#patch(record, { status: "failed", final: true, failure });
    return status === "committed";
  }

  async #follow(record) {
    const escrow = await this.#api.getEscrow(this.#client, record.job_id);
    if (!escrow) return this.#missing(record);
    const known = Object.fromEntries(KEPT.map((name) => [name, escrow[name]]));
    const receipt = await this.#receipt(record, escrow);
    const unknownJob = record.unknownJob || (await this.#isUnknownJob(record, escrow));
    // Another tab may have dismissed it, or gone further, while the node was asked.
    const current = this.find(record.job_id);
    if (!current || current.final || current.hash !== record.hash) return;
    const complete = isSameReceipt(receipt, escrow.last_receipt) && (escrow.status !== "settled" || hasRest(receipt));
    const looks = complete ? 0 : (record.looks ?? 0) + 1;
    const final = escrow.status !== "open" && (complete || looks >= LOOKS_BEFORE_MISSING);
    const returned = escrow.status === "refunded" ? (record.returned ?? refundOf(record, escrow)) : receipt?.returned;
    this.#patch(record, { ...known, receipt, returned, looks, final, unknownJob });
    if (complete || final) this.#tellWhatIsNew(this.find(record.job_id));
  }

  /** Whether the coordinator of an open escrow says that there is no such job: no miner gets it then. Asked once. */
  async #isUnknownJob({ hash }, { status, miner, claims, coordinator, job_id, amount }) {
    if (status !== "open" || miner || claims > 0 || this.#asked.has(hash)) return false;
    this.#asked.add(hash);
    return (await this.#knowsJob({ client: this.#client, job_id, coordinator, amount })) === false;
  }

  /** The receipt that was paid last, with what its claim returned; undefined where there is none, or none yet. */
  async #receipt(record, { last_receipt: last, status }) {
    if (!last) return undefined;
    const { receipt } = record;
    if (isSameReceipt(receipt, last) && (status !== "settled" || hasRest(receipt))) return receipt;
    const paid = await this.#api.getReceipt(last.miner, last.receipt_id);
    if (!paid) return receipt;
    const { receipt_id, miner, compute_units, price, minted, limited_by, height, tx_hash } = paid;
    const told = { receipt_id, miner, compute_units, price, minted, limited_by, height, tx_hash };
    if (status !== "settled") return told;
    const settled = eventAttributes((await this.#api.getTx(tx_hash))?.receipt, "escrow_settled");
    return settled ? { ...told, returned: Number(settled.returned) } : told;
  }

  /** Tells the outbox of a receipt and of a refund, each once: the feed may not have told it. */
  #tellWhatIsNew(record) {
    const { job_id, receipt, told, status, reason, returned } = record;
    if (receipt && !isSameReceipt(receipt, told)) {
      const { receipt_id, miner, price, height, tx_hash: hash } = receipt;
      const claimed = { event: "receipt_claimed", job_id, receipt_id, miner, price, height, hash };
      this.#outbox.tell({ ...claimed, returned: receipt.returned });
    }
    if (status === "refunded") {
      this.#outbox.tell({ event: "escrow_refunded", job_id, amount: returned, reason, height: record.closed_height });
    }
    this.#put({ ...record, told: record.last_receipt });
  }

  #missing(record) {
    const looks = (record.looks ?? 0) + 1;
    if (looks < LOOKS_BEFORE_MISSING) this.#patch(record, { looks });
    // The chain keeps settled ones for ever and deletes refunded ones.
    else if (record.opened_height) this.#patch(record, { status: "refunded", remaining: 0, final: true });
    else this.#patch(record, { status: "unknown", final: true });
  }

  /** Takes back that an opening failed: one node's pool dropped it, and a block has it all the same. */
  #reopen(record) {
    const { job_id, coordinator, amount, hash } = record;
    this.#put({ job_id, coordinator, amount, hash, status: "opening" });
  }

  #put(record) {
    this.#records.put(record, ({ job_id }) => job_id === record.job_id);
    this.#changed();
  }

  #patch({ job_id: jobId, hash }, fields) {
    // Nothing takes back what is final, nor changes a later opening of the same job.
    this.#records.patch(fields, (other) => other.job_id === jobId && other.hash === hash && !other.final);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** What a refund brought back: all that remained; undefined where more happened since it was last seen open. */
function refundOf(record, { amount, claims }) {
  if (claims === 0) return amount;
  const isAsSeen = record.status === "open" && record.amount === amount && record.claims === claims;
  return isAsSeen ? record.remaining : undefined;
}
