// The account's escrows: follows each from its opening to its receipt or its refund.
// Owns the list "escrows". An escrow passes opening -> open -> settled | refunded, or ends as failed | unknown.

import { eventAttributes, listedTransactions, succeeded } from "./events.js";
import { transactionHash } from "./wallet.js";

const REMEMBERED = 20;

// What the node tells of may be a moment behind its state.
const LOOKS_BEFORE_UNKNOWN = 3;

/** The escrows this browser opened with one wallet on one chain. */
export class EscrowBook extends EventTarget {
  #api;
  #client;
  #outbox;
  #records;

  constructor({ api, client, outbox, records }) {
    super();
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

  /** Begins to follow the escrow that the transaction `hash` opens. */
  add({ payload, hash, height }) {
    const { job_id, coordinator, amount } = payload;
    const record = { job_id, coordinator, amount, hash, status: "opening", scanned: height };
    this.#records.put(record, (other) => other.job_id === job_id);
    this.#changed();
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

  /** Takes in a transaction the live feed told of; where it settles one of the escrows, its receipt. */
  async observe(view) {
    const claimed = this.#claimIn(view);
    if (!claimed) return;
    const record = this.list().find(({ job_id, receipt }) => job_id === claimed.job_id && !receipt);
    if (record) await this.#settle(record, view, claimed);
  }

  /** Brings every escrow up to the block of the given height; 0, while no block is known, changes nothing. */
  async refresh(height) {
    if (height === 0) return;
    for (const record of this.list()) {
      if (record.status === "opening") await this.#followOpening(record);
      else if (record.status === "open") await this.#followOpen(record, height);
      else if (record.status === "settled" && !record.final) await this.#findReceipt(record, height);
    }
  }

  async #followOpening(record) {
    const opening = this.#outbox.find(record.hash);
    if (opening && !opening.final) return;
    if (opening?.status === "failed" || opening?.status === "dropped") {
      this.#patch(record, { status: "failed", final: true, failure: opening.failure });
      return;
    }
    await this.#followOpen(record, record.scanned);
  }

  async #followOpen(record, height) {
    const escrow = await this.#api.getEscrow(this.#client, record.job_id);
    if (!escrow) return this.#missing(record);
    const { opened_height, expires_height } = escrow;
    const known = { opened_height, expires_height, looks: 0 };
    if (escrow.status === "open")
      return this.#patch(record, { ...known, status: "open", scanned: Math.max(record.scanned, height) });
    if (escrow.status === "refunded") return this.#patch(record, { ...known, status: "refunded", final: true });
    this.#patch(record, { ...known, status: "settled", scanned: Math.max(record.scanned, opened_height) });
    return this.#findReceipt(this.#record(record.job_id), height);
  }

  #missing(record) {
    const looks = (record.looks ?? 0) + 1;
    this.#patch(record, looks < LOOKS_BEFORE_UNKNOWN ? { looks } : { status: "unknown", final: true });
  }

  /** Looks for the claim in the blocks since the escrow was last seen open. */
  async #findReceipt(record, head) {
    if (!record || record.receipt) return;
    for (let height = record.scanned; height <= head; height += 1) {
      const view = await this.#claimAt(height, record.job_id);
      if (this.#record(record.job_id)?.receipt) return;
      if (view) return this.#settle(record, view, this.#claimIn(view));
      if (height % 50 === 0) this.#patch(record, { scanned: height });
    }
    const looks = (record.looks ?? 0) + 1;
    this.#patch(record, { scanned: head, looks, final: looks >= LOOKS_BEFORE_UNKNOWN });
  }

  async #claimAt(height, jobId) {
    for (const { hash, tx } of listedTransactions((await this.#api.getBlock(height)) ?? {})) {
      if (tx && (tx.type !== "RECEIPT_CLAIM" || tx.payload?.job_id !== jobId)) continue;
      const view = await this.#api.getTx(hash ?? (await transactionHash(tx)));
      if (this.#claimIn(view)?.job_id === jobId) return view;
    }
    return null;
  }

  /** The attributes of the `receipt_claimed` event in a transaction that settled an escrow of this client. */
  #claimIn(view) {
    if (!view || !succeeded(view)) return null;
    const claimed = eventAttributes(view.receipt, "receipt_claimed");
    return claimed?.client === this.#client ? claimed : null;
  }

  async #settle(record, view, claimed) {
    const { receipt_id, miner, compute_units, price, minted } = claimed;
    const returned = await this.#returned(record, view);
    const receipt = { receipt_id, miner, compute_units, price, minted, returned, height: view.receipt.height };
    if (this.#record(record.job_id)?.final) return;
    this.#patch(record, { status: "settled", final: true, receipt });
    this.dispatchEvent(new CustomEvent("receipt", { detail: this.#record(record.job_id) }));
  }

  /** What of the escrow came back: its amount less the price and the claim's required fee (SPEC section 4). */
  async #returned({ amount }, { receipt, tx }) {
    const settled = eventAttributes(receipt, "escrow_settled");
    if (settled?.returned !== undefined) return settled.returned;
    const fee = await this.#api.estimateFee(tx.type, tx.payload);
    return amount - tx.payload.price - fee;
  }

  #record(jobId) {
    return this.list().find(({ job_id }) => job_id === jobId);
  }

  #patch({ job_id: jobId }, fields) {
    // The feed may bring the receipt while an older answer is still on its way; nothing takes that back.
    this.#records.patch(fields, ({ job_id, final }) => job_id === jobId && !final);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
