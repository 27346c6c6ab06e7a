// The account's transactions: numbers them, signs them, hands them to the node, follows them to a block.
// Owns the list "transactions", which has what others' transactions did to the account's escrows as well. Many may
// be under way at once; each is remembered before it is sent, so that neither a reload nor an answer that never
// came can make the page send the same payment twice.

import { ApiError, NodeUnreachable, explanationOf } from "./api.js";
import { dropReason, failureOf, newsFor, newsId, succeeded, transactionOf } from "./events.js";
import { transactionHash } from "./wallet.js";

/** @typedef {import("./api.js").Intent} Intent */
/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./api.js").Transaction} Transaction */
/** @typedef {import("./api.js").TxView} TxView */
/** @typedef {import("./events.js").News} News */
/** @typedef {Pick<import("./api.js").Api, "estimateFee" | "getAccount" | "getTx" | "sendTx">} Api */

/**
 * A transaction of the account, or one that pays it, or a piece of news of its escrows, which has an `id`.
 * @typedef {object} Activity
 * @property {TxView["status"] | "sending" | News["event"]} status
 * @property {string} [id]
 * @property {string} [hash]
 * @property {boolean} [final] whether nothing more is expected of it
 * @property {boolean} [incoming] whether others sent it
 * @property {Transaction["type"]} [type]
 * @property {Payment} [payload]
 * @property {string} [sender]
 * @property {number} [nonce]
 * @property {number} [fee]
 * @property {number | null} [height]
 * @property {string | null} [failure] why it failed, or was dropped
 * @property {News[]} [news]
 * @property {Transaction} [tx] the signed transaction, until its outcome is known
 * @property {number} [looks] how often the node was asked in vain
 */

/** @typedef {Activity & { hash: string }} Sent a transaction of the account */

/**
 * What a row shows of a payload, whichever kind it is of.
 * @typedef {Partial<Pick<Schemas["Transfer"] & Schemas["EscrowOpen"], "amount" | "to" | "memo" | "job_id">>} Payment
 */

const REMEMBERED = 25;

// A node may take a moment until it tells of what it just accepted, or of the block that took it from its pool.
const LOOKS_BEFORE_MISSING = 3;
const LOOKS_BEFORE_DROPPED = 2;

/** @param {unknown} error */
const isNonceRefusal = (error) => error instanceof ApiError && /nonce|replacement/.test(error.code);

// Over the rate limit the node has refused to look at the transaction, yet the next look may fare better.
/** @param {unknown} error */
const isPassing = (error) => isUncertain(error) || (error instanceof ApiError && error.status === 429);

/** @param {unknown} error */
const isUncertain = (error) => (error instanceof ApiError || error instanceof NodeUnreachable) && error.isUncertain;

/** @param {Intent} intent */
const shownOf = ({ type, payload }) => ({ type, payload: /** @type {Payment} */ (payload) });

/**
 * What tells records apart: a transaction's hash, or the id of a piece of news.
 * @param {Pick<Activity, "id" | "hash">} record
 */
export const idOf = ({ id, hash }) => id ?? hash;

// What one node's pool dropped another's may still bring into a block.
/**
 * @param {Activity} record
 * @param {Activity["status"]} status
 */
const mayBecome = (record, status) =>
  !record.final || (record.status === "dropped" && (status === "committed" || status === "failed"));

/** The outgoing and incoming transactions of one wallet on one chain, and news of its escrows. */
export class Outbox extends EventTarget {
  #api;
  #wallet;
  #chainId;
  #records;

  /**
   * @param {object} parts
   * @param {Api} parts.api
   * @param {import("./wallet.js").Wallet} parts.wallet
   * @param {string} parts.chainId
   * @param {import("./records.js").RecordList<Activity>} parts.records
   */
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

  /** All records, newest first. */
  list() {
    return this.#records.all();
  }

  /**
   * The record of a transaction, or undefined.
   * @param {string | undefined} hash
   */
  find(hash) {
    return this.list().find((record) => idOf(record) === hash);
  }

  /** Whether some transaction's outcome is still open. */
  get isWaiting() {
    return this.list().some(({ final }) => !final);
  }

  /**
   * Signs and sends a transaction; resolves to its record once the node accepted it, or with the status
   * "sending" when no clear answer came (it is then sent again until there is one).
   * Throws the node's ApiError when it was refused; nothing was sent in that case.
   * @param {Intent} intent
   */
  submit(intent) {
    return this.#exclusively(async () => {
      const fee = await this.#api.estimateFee(intent, this.#wallet.address);
      try {
        return await this.#send(intent, fee);
      } catch (error) {
        if (!isNonceRefusal(error)) throw error;
        await this.#reconcile({ patience: 1 });
        return this.#send(intent, fee);
      }
    });
  }

  /**
   * Remembers a transfer somebody else sends to this account, such as the faucet's.
   * @param {{ hash: string, amount: number, from?: string }} transfer
   */
  expect({ hash, amount, from }) {
    if (this.find(hash)) return;
    this.#put({ hash, incoming: true, type: "TRANSFER", payload: { amount }, sender: from, status: "pending" });
  }

  /**
   * Remembers a piece of news of an escrow (`newsFor`), once.
   * @param {News} news
   */
  tell(news) {
    const id = newsId(news);
    if (this.find(id)) return;
    const record = { id, hash: news.hash, height: news.height, news: [news], status: news.event, final: true };
    this.#put(record);
    this.dispatchEvent(new CustomEvent("settled", { detail: record }));
  }

  /**
   * Takes in a transaction the live feed told of.
   * @param {TxView} view
   */
  async observe(view) {
    const tx = transactionOf(view);
    if (!tx || view.status === "pending") return;
    const outgoing = tx.sender === this.#wallet.address;
    const incoming = tx.type === "TRANSFER" && tx.payload.to === this.#wallet.address ? tx.payload : null;
    const isNews = newsFor(this.#wallet.address, view).length > 0;
    if (!outgoing && !incoming && !isNews) return;
    const hash = await transactionHash(tx);
    if (!this.find(hash) && incoming && !outgoing && succeeded(view)) {
      this.expect({ hash, amount: incoming.amount, from: tx.sender });
    }
    if (this.find(hash)) this.#settle(hash, view);
    else newsFor(this.#wallet.address, view, hash).forEach((news) => this.tell(news));
  }

  /** Asks the node about every transaction under way, and sends again what it lost. */
  async refresh() {
    if (this.isWaiting) await this.#exclusively(() => this.#reconcile({ patience: LOOKS_BEFORE_MISSING }));
  }

  /** Forgets everything. */
  clear() {
    this.#records.clear();
  }

  /**
   * @param {Intent} intent
   * @param {number} fee
   * @returns {Promise<Sent>}
   */
  async #send(intent, fee) {
    const nonce = await this.#freeNonce();
    const tx = await this.#wallet.sign(this.#chainId, intent, { nonce, fee });
    const hash = await transactionHash(tx);
    /** @type {Sent} */
    const record = { hash, ...shownOf(intent), nonce, fee, tx, sender: tx.sender, status: "sending" };
    this.#put(record);
    try {
      await this.#api.sendTx(tx);
      this.#patch(hash, { status: "pending" });
    } catch (error) {
      if (!isUncertain(error)) {
        this.#remove(hash);
        throw error;
      }
    }
    return { ...(this.find(hash) ?? record), hash };
  }

  /**
   * The first nonce from the node's next one on that nothing under way has. The node's count leaves out what has
   * not reached it yet; what is under way may have gaps, where the node dropped what was before it.
   */
  async #freeNonce() {
    const { next_nonce: next } = await this.#api.getAccount(this.#wallet.address);
    const waiting = new Set(this.list().flatMap(({ final, nonce }) => (final ? [] : [nonce])));
    let nonce = next;
    while (waiting.has(nonce)) nonce += 1;
    return nonce;
  }

  /** @param {{ patience: number }} how */
  async #reconcile({ patience }) {
    const account = await this.#api.getAccount(this.#wallet.address);
    const waiting = this.list().filter(({ final }) => !final);
    waiting.sort((left, right) => (left.nonce ?? 0) - (right.nonce ?? 0));
    for (const record of waiting) await this.#follow(record, account, patience);
  }

  /**
   * @param {Activity} record
   * @param {Pick<import("./api.js").Account, "nonce">} account
   * @param {number} patience
   */
  async #follow(record, account, patience) {
    const { hash, nonce, tx } = record;
    if (!hash) return;
    const view = await this.#look(hash);
    if (view && view.status !== "dropped") return;
    const looks = (record.looks ?? 0) + 1;
    this.#patch(hash, { looks });
    if (looks < Math.min(patience, view ? LOOKS_BEFORE_DROPPED : LOOKS_BEFORE_MISSING)) return;
    if (view) return this.#drop(hash, dropReason(view.reason));
    if (!tx || nonce === undefined) this.#drop(hash, "the node no longer knows it");
    else if (nonce <= account.nonce) this.#drop(hash, "another transaction took its nonce");
    else await this.#sendAgain(hash, tx);
  }

  /**
   * Takes in what the node says of a transaction, but for a drop, and returns it; null where it knows none.
   * @param {string} hash
   */
  async #look(hash) {
    const view = await this.#api.getTx(hash);
    if (view?.status === "pending") this.#patch(hash, { status: "pending", looks: 0 });
    else if (view && view.status !== "dropped") this.#settle(hash, view);
    return view;
  }

  /**
   * @param {string} hash
   * @param {Transaction} tx
   */
  async #sendAgain(hash, tx) {
    try {
      await this.#api.sendTx(tx);
      this.#patch(hash, { status: "pending", looks: 0 });
    } catch (error) {
      // A block may have taken it in the meantime, which is a reason to refuse it too.
      if (isPassing(error)) return;
      const view = await this.#look(hash);
      if (!view || view.status === "dropped") this.#drop(hash, explanationOf(error));
    }
  }

  /**
   * @param {string} hash
   * @param {TxView} view
   */
  #settle(hash, view) {
    const { status, receipt } = view;
    const tx = transactionOf(view);
    const record = this.find(hash);
    if (!record || !mayBecome(record, status)) return;
    this.#patch(hash, {
      status,
      final: true,
      height: receipt?.height,
      fee: receipt?.fee ?? record.fee,
      failure: status === "failed" ? failureOf(receipt ?? {}) : null,
      payload: tx ? shownOf(tx).payload : record.payload,
      sender: tx?.sender ?? record.sender,
      news: newsFor(this.#wallet.address, view, hash),
      tx: undefined,
    });
    this.dispatchEvent(new CustomEvent("settled", { detail: this.find(hash) }));
  }

  /**
   * @param {string} hash
   * @param {string} reason
   */
  #drop(hash, reason) {
    // The feed may have told its outcome in the meantime.
    if (this.find(hash)?.final) return;
    this.#patch(hash, { status: "dropped", final: true, failure: reason, tx: undefined });
    this.dispatchEvent(new CustomEvent("settled", { detail: this.find(hash) }));
  }

  // One at a time over all tabs: two that read the same nonce would replace each other's transaction.
  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #exclusively(work) {
    return await navigator.locks.request(`ait/${this.#chainId}/${this.#wallet.address}`, work);
  }

  /** @param {Activity} record */
  #put(record) {
    this.#records.put(record, (other) => idOf(other) === idOf(record));
    this.#changed();
  }

  /**
   * @param {string} hash
   * @param {Partial<Activity>} fields
   */
  #patch(hash, fields) {
    // The feed may tell the outcome before the request that sent it is answered; nothing takes that back.
    this.#records.patch(fields, (record) => idOf(record) === hash && mayBecome(record, fields.status ?? record.status));
    this.#changed();
  }

  /** @param {string} hash */
  #remove(hash) {
    this.#records.remove((record) => idOf(record) === hash);
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
