// A node that the tests play themselves: what it knows is put in, what it was sent is read.

import { ApiError } from "../../rest/web/api.js";
import { Wallet, addressOf, transactionHash } from "../../rest/web/wallet.js";

const text = (object) => Object.entries(object).map(([key, value]) => ({ key, value: String(value), index: true }));

/** An event as the node tells it. */
export const event = (type, attributes) => ({ type, attributes: text(attributes) });

/** getTx's answer for a transaction in a block. */
export const settledView = (tx, height, events = [], rest = {}) => ({
  status: "committed",
  tx,
  receipt: { height, index: 0, code: 0, codespace: "", log: "", fee: 10, events },
  ...rest,
});

/** A wallet with a key of its own. */
export async function newWallet() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign"]);
  return Wallet.from({ privateKey, publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)) });
}

/** Two addresses of others. */
export const strangers = await Promise.all([1, 2].map((byte) => addressOf(new Uint8Array(32).fill(byte))));

/** A node's answers: tests put in what it knows, and read what it was sent. */
export class PlayedNode {
  nonce = 0;
  fee = 10;
  escrows = new Map();
  receipts = new Map();
  txs = new Map();
  sent = [];
  asked = [];
  refusals = [];

  /** The next nonce, of which the node counts pending transactions without a gap. */
  get nextNonce() {
    const pending = [...this.txs.values()].filter(({ status }) => status === "pending").map(({ tx }) => tx.nonce);
    let next = this.nonce + 1;
    while (pending.includes(next)) next += 1;
    return next;
  }

  getAccount = async () => ({ balance: 10_000_000, nonce: this.nonce, next_nonce: this.nextNonce });

  estimateFee = async (intent, sender) => {
    this.asked.push({ ...intent, sender });
    return this.fee;
  };

  getTx = async (hash) => this.txs.get(hash) ?? null;

  getEscrow = async (_client, jobId) => this.escrows.get(jobId) ?? null;

  getReceipt = async (by, receiptId) => this.receipts.get(`${by}/${receiptId}`) ?? null;

  sendTx = async (tx) => {
    this.sent.push(tx);
    const refusal = this.refusals.shift();
    if (refusal) throw refusal;
    if (tx.nonce > this.nextNonce) throw refused(409, "nonce_gap");
    this.txs.set(await transactionHash(tx), { status: "pending", receipt: null, tx });
    return { txHash: await transactionHash(tx) };
  };

  /** Puts a pending transaction into a block. */
  commit(hash, height, events = []) {
    const { tx } = this.txs.get(hash);
    this.txs.set(hash, settledView(tx, height, events));
    this.nonce = tx.nonce;
  }
}

/** A refusal of the node. */
export const refused = (status, code) => new ApiError(status, { code, codespace: "auth", message: "no" });
