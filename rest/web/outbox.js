// The account's transactions: numbers them, signs them, hands them to the node, follows them to a block.
// Owns the list "transactions". Many may be under way at once; each is remembered before it is sent, so that
// neither a reload nor an answer that never came can make the page send the same payment twice.

import { ApiError } from "./api.js";
import { failureOf, succeeded } from "./events.js";
import { transactionHash } from "./wallet.js";

const REMEMBERED = 25;

// A node may take a moment until it tells of what it just accepted.
const LOOKS_BEFORE_MISSING = 3;

const isNonceRefusal = (error) => error instanceof ApiError && /nonce|replacement/.test(error.code);

// Over the rate limit the node has refused to look at the transaction, yet the next look may fare better.
const isPassing = (error) => error.isUncertain || error.status === 429;

/** The outgoing and incoming transactions of one wallet on one chain. */
export class Outbox extends EventTarget {
  #api;
  #wallet;
  #chainId;
  #records;

  constructor({ api, wallet, chainId, records }) {
    super();
    this.#api = api;
    this.#wallet = wallet;
    this.#chainId = chainId;
    this.#records = records;
    records.onElsewhere(() => this.#changed());
  }

  /** How many records the list keeps. */
  static get limit() {
    return REMEMBERED;
  }

  /** All remembered transactions, newest first. */
  list() {
    return this.#records.all();
  }

  /** The record of a transaction, or undefined. */
  find(hash) {
    return this.list().find((record) => record.hash === hash);
  }

  /** Whether some transaction's outcome is still open. */
  get isWaiting() {
    return this.list().some(({ final }) => !final);
  }

  /**
   * Signs and sends a transaction; resolves to its record once the node accepted it, or with the status
   * "sending" when no clear answer came (it is then sent again until there is one).
   * Throws the node's ApiError when it was refused; nothing was sent in that case.
   */
  submit({ type, payload }) {
    return this.#exclusively(async () => {
      const fee = await this.#api.estimateFee(type, payload);
      try {
        return await this.#send({ type, payload, fee });
      } catch (error) {
        if (!isNonceRefusal(error)) throw error;
        await this.#reconcile({ patience: 1 });
        return this.#send({ type, payload, fee });
      }
    });
  }

  /** Remembers a transfer somebody else sends to this account, such as the faucet's. */
  expect({ hash, amount, from }) {
    if (this.find(hash)) return;
    this.#put({ hash, incoming: true, type: "TRANSFER", payload: { amount }, sender: from, status: "pending" });
  }

  /** Takes in a transaction the live feed told of. */
  async observe(view) {
    const { tx } = view;
    const outgoing = tx?.sender === this.#wallet.address;
    const incoming = tx?.type === "TRANSFER" && tx.payload?.to === this.#wallet.address;
    if (view.status === "pending" || (!outgoing && !incoming)) return;
    const hash = await transactionHash(tx);
    if (!this.find(hash) && incoming && !outgoing && succeeded(view)) {
      this.expect({ hash, amount: tx.payload.amount, from: tx.sender });
    }
    this.#settle(hash, view);
  }

  /** Asks the node about every transaction under way, and sends again what it lost. */
  async refresh() {
    if (this.isWaiting) await this.#exclusively(() => this.#reconcile({ patience: LOOKS_BEFORE_MISSING }));
  }

  /** Forgets everything. */
  clear() {
    this.#records.clear();
  }

  async #send({ type, payload, fee }) {
    const account = await this.#api.getBalance(this.#wallet.address);
    const pending = this.list()
      .filter(({ final, nonce }) => !final && nonce)
      .map(({ nonce }) => nonce);
    const nonce = Math.max(account.nonce, ...pending) + 1;
    const tx = await this.#wallet.sign(this.#chainId, { type, nonce, fee, payload });
    const hash = await transactionHash(tx);
    this.#put({ hash, type, payload, nonce, fee, tx, sender: tx.sender, status: "sending" });
    try {
      await this.#api.sendTx(tx);
      this.#patch(hash, { status: "pending" });
    } catch (error) {
      if (!error.isUncertain) {
        this.#remove(hash);
        throw error;
      }
    }
    return this.find(hash);
  }

  async #reconcile({ patience }) {
    const account = await this.#api.getBalance(this.#wallet.address);
    const waiting = this.list().filter(({ final }) => !final);
    waiting.sort((left, right) => (left.nonce ?? 0) - (right.nonce ?? 0));
    for (const record of waiting) await this.#follow(record, account, patience);
  }

  async #follow(record, account, patience) {
    if (await this.#look(record.hash)) return;
    const looks = (record.looks ?? 0) + 1;
    this.#patch(record.hash, { looks });
    if (looks < patience) return;
    if (record.incoming) this.#drop(record.hash, "the node no longer knows it");
    else if (record.nonce <= account.nonce) this.#drop(record.hash, "another transaction took its nonce");
    else await this.#sendAgain(record);
  }

  /** Takes in what the node says of a transaction; false where it knows none. */
  async #look(hash) {
    const view = await this.#api.getTx(hash);
    if (!view) return false;
    if (view.status === "pending") this.#patch(hash, { status: "pending", looks: 0 });
    else this.#settle(hash, view);
    return true;
  }

  async #sendAgain({ hash, tx }) {
    try {
      await this.#api.sendTx(tx);
      this.#patch(hash, { status: "pending", looks: 0 });
    } catch (error) {
      // A block may have taken it in the meantime, which is a reason to refuse it too.
      if (!isPassing(error) && !(await this.#look(hash))) this.#drop(hash, error.explanation);
    }
  }

  #settle(hash, { status, receipt, tx }) {
    const record = this.find(hash);
    if (!record || record.final) return;
    this.#patch(hash, {
      status,
      final: true,
      height: receipt?.height,
      fee: receipt?.fee ?? record.fee,
      failure: status === "failed" ? failureOf(receipt ?? {}) : null,
      payload: tx?.payload ?? record.payload,
      sender: tx?.sender ?? record.sender,
      tx: undefined,
    });
    this.dispatchEvent(new CustomEvent("settled", { detail: this.find(hash) }));
  }

  #drop(hash, reason) {
    this.#patch(hash, { status: "dropped", final: true, failure: reason, tx: undefined });
    this.dispatchEvent(new CustomEvent("settled", { detail: this.find(hash) }));
  }

  // One at a time over all tabs: two that read the same nonce would replace each other's transaction.
  #exclusively(work) {
    return navigator.locks.request(`ait/${this.#chainId}/${this.#wallet.address}`, work);
  }

  #put(record) {
    this.#records.put(record, ({ hash }) => hash === record.hash);
    this.#changed();
  }

  #patch(hash, fields) {
    // The feed may tell the outcome before the request that sent it is answered; nothing takes that back.
    this.#records.patch(fields, (record) => record.hash === hash && !record.final);
    this.#changed();
  }

  #remove(hash) {
    this.#records.remove((record) => record.hash === hash);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
