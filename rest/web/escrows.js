// The account's escrows: follows each from its opening to its end, with the receipt that was paid last.
// Owns the list "escrows". An escrow passes opening -> open -> settled | refunded, or ends as failed | unknown.

import { eventAttributes } from "./events.js";

/** @typedef {Pick<import("./api.js").Api, "getEscrow" | "getReceipt" | "getTx">} Api */
/** @typedef {import("./api.js").EscrowRecord} EscrowRecord */
/** @typedef {Pick<import("./outbox.js").Outbox, "find" | "tell">} Outbox */

/** @typedef {"receipt_id" | "miner" | "compute_units" | "price" | "minted" | "limited_by" | "height" | "tx_hash"} ToldOfReceipt */

/**
 * The receipt that was paid last, and what its claim returned.
 * @typedef {Pick<import("./api.js").ReceiptRecord, ToldOfReceipt> & { returned?: number }} Receipt
 */

/** @typedef {Pick<EscrowRecord, (typeof KEPT)[number]>} Kept */

/**
 * What is followed of an escrow; what the chain says of it follows its opening.
 * @typedef {object} Following
 * @property {string} job_id
 * @property {string} coordinator
 * @property {number} amount
 * @property {string} hash of the transaction that opens it
 * @property {EscrowRecord["status"] | "opening" | "failed" | "unknown"} status
 * @property {boolean} [final] whether nothing more is expected of it
 * @property {Receipt} [receipt]
 * @property {number} [returned] uait that came back to the client
 * @property {EscrowRecord["last_receipt"]} [told] the receipt that the outbox was told of
 * @property {boolean} [unknownJob] whether its coordinator says that there is no such job
 * @property {string | null} [failure] why it was not opened
 * @property {number} [looks] how often the node was asked in vain
 */

/** @typedef {Following & Partial<Omit<Kept, keyof Following>>} Escrow */

/** @typedef {Pick<EscrowRecord, "client" | "job_id" | "coordinator" | "amount">} Job what a coordinator is asked about */

const REMEMBERED = 20;

// What the node tells of may be a moment behind its state.
const LOOKS_BEFORE_MISSING = 3;

/** What a record keeps of the chain's escrow (PROTOCOL section 7.8), under the same names. */
const KEPT = /** @type {const} */ ([
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
]);

// What a claim returned to the client stands in its transaction alone, which the node may tell a moment later.
/** @param {Receipt | undefined} receipt */
const hasRest = (receipt) => receipt?.returned !== undefined;

/**
 * @param {EscrowRecord["last_receipt"] | undefined} left
 * @param {EscrowRecord["last_receipt"] | undefined} right
 */
const isSameReceipt = (left, right) => left?.miner === right?.miner && left?.receipt_id === right?.receipt_id;

/** The escrows this browser opened with one wallet on one chain. */
export class EscrowBook extends EventTarget {
  #api;
  #client;
  #outbox;
  #records;

  #knowsJob;
  /** @type {Set<string>} */
  #asked = new Set();

  /**
   * `knowsJob` asks whether a coordinator knows a job: true, false, or null where it does not say.
   * @param {object} parts
   * @param {Api} parts.api
   * @param {string} parts.client
   * @param {Outbox} parts.outbox
   * @param {import("./records.js").RecordList<Escrow>} parts.records
   * @param {(job: Job) => Promise<boolean | null>} [parts.knowsJob]
   */
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

  /**
   * The escrow of a job, or undefined.
   * @param {string} jobId
   */
  find(jobId) {
    return this.list().find(({ job_id }) => job_id === jobId);
  }

  /**
   * Begins to follow the escrow that the transaction `hash` opens.
   * @param {{ payload: Pick<Escrow, "job_id" | "coordinator" | "amount">, hash: string }} opening
   */
  add({ payload, hash }) {
    const { job_id, coordinator, amount } = payload;
    this.#put({ job_id, coordinator, amount, hash, status: "opening" });
  }

  /**
   * Takes a finished escrow off the list.
   * @param {string} jobId
   */
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

  /**
   * Whether the transaction that opens an escrow is in a block; notes where it never will be.
   * @param {Escrow} record
   * @param {import("./outbox.js").Activity} opening
   */
  #isOpened(record, { status, failure }) {
    if (status === "failed" || status === "dropped") this.#patch(record, { status: "failed", final: true, failure });
    return status === "committed";
  }

  /** @param {Escrow} record */
  async #follow(record) {
    const escrow = await this.#api.getEscrow(this.#client, record.job_id);
    if (!escrow) return this.#missing(record);
    const known = /** @type {Kept} */ (Object.fromEntries(KEPT.map((name) => [name, escrow[name]])));
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

  /**
   * Whether the coordinator of an open escrow says that there is no such job: no miner gets it then. Asked once.
   * @param {Escrow} record
   * @param {EscrowRecord} escrow
   */
  async #isUnknownJob({ hash }, { status, miner, claims, coordinator, job_id, amount }) {
    if (status !== "open" || miner || claims > 0 || this.#asked.has(hash)) return false;
    this.#asked.add(hash);
    return (await this.#knowsJob({ client: this.#client, job_id, coordinator, amount })) === false;
  }

  /**
   * The receipt that was paid last, with what its claim returned; undefined where there is none, or none yet.
   * @param {Escrow} record
   * @param {EscrowRecord} escrow
   * @returns {Promise<Receipt | undefined>}
   */
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

  /**
   * Tells the outbox of a receipt and of a refund, each once: the feed may not have told it.
   * @param {Escrow | undefined} record
   */
  #tellWhatIsNew(record) {
    if (!record) return;
    const { job_id, receipt, told, status, reason, returned } = record;
    if (receipt && !isSameReceipt(receipt, told)) {
      const { receipt_id, miner, price, height, tx_hash: hash } = receipt;
      const claimed = { event: "receipt_claimed", job_id, receipt_id, miner, price, height, hash };
      this.#outbox.tell({ ...claimed, returned: receipt.returned });
    }
    if (status === "refunded") {
      const height = record.closed_height ?? null;
      this.#outbox.tell({ event: "escrow_refunded", job_id, amount: returned, reason, height });
    }
    this.#put({ ...record, told: record.last_receipt });
  }

  /** @param {Escrow} record */
  #missing(record) {
    const looks = (record.looks ?? 0) + 1;
    if (looks < LOOKS_BEFORE_MISSING) this.#patch(record, { looks });
    // The chain keeps settled ones for ever and deletes refunded ones.
    else if (record.opened_height) this.#patch(record, { status: "refunded", remaining: 0, final: true });
    else this.#patch(record, { status: "unknown", final: true });
  }

  /**
   * Takes back that an opening failed: one node's pool dropped it, and a block has it all the same.
   * @param {Escrow} record
   */
  #reopen(record) {
    const { job_id, coordinator, amount, hash } = record;
    this.#put({ job_id, coordinator, amount, hash, status: "opening" });
  }

  /** @param {Escrow} record */
  #put(record) {
    this.#records.put(record, ({ job_id }) => job_id === record.job_id);
    this.#changed();
  }

  /**
   * @param {Escrow} record
   * @param {Partial<Escrow>} fields
   */
  #patch({ job_id: jobId, hash }, fields) {
    // Nothing takes back what is final, nor changes a later opening of the same job.
    this.#records.patch(fields, (other) => other.job_id === jobId && other.hash === hash && !other.final);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * What a refund brought back: all that remained; undefined where more happened since it was last seen open.
 * @param {Escrow} record
 * @param {EscrowRecord} escrow
 */
function refundOf(record, { amount, claims }) {
  if (claims === 0) return amount;
  const isAsSeen = record.status === "open" && record.amount === amount && record.claims === claims;
  return isAsSeen ? record.remaining : undefined;
}
