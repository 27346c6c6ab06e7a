// The protocol's side of an account: address, sign bytes, signature, wire bytes, hash (PROTOCOL sections 2 and 3).
// Pure but for WebCrypto; keeps no key, touches no page and no network, so it runs in node's tests as it is.

import { decode, encode } from "./bech32.js";
import { canonicalJson } from "./canonical.js";

/** @typedef {import("./api.js").Transaction} Transaction */

/**
 * A transaction before it is signed: what is to be sent, and by whom, in which order and for what fee.
 * @typedef {import("./api.js").Intent & { sender: string, nonce: number, fee: number }} Unsigned
 */

const ADDRESS_PREFIX = "ait";
const ADDRESS_BYTES = 20;

/** The greatest number of bytes of UTF-8 a transfer's memo may have. */
export const MAX_MEMO_BYTES = 256;

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);

/**
 * Lower-case hex of bytes.
 * @param {Uint8Array} bytes
 */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/**
 * The address of a 32-byte ed25519 public key.
 * @param {Uint8Array<ArrayBuffer>} publicKey
 */
export async function addressOf(publicKey) {
  return encode(ADDRESS_PREFIX, (await sha256(publicKey)).slice(0, ADDRESS_BYTES));
}

/**
 * Why a text is not an address, in words that follow "Not an address: "; null when it is one.
 * @param {string} text
 */
export function addressProblem(text) {
  if (text !== text.toLowerCase()) return "it is written in lower case only";
  try {
    const { length } = decode(ADDRESS_PREFIX, text);
    return length === ADDRESS_BYTES ? null : `it stands for ${length} bytes, not ${ADDRESS_BYTES}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The 32 bytes that `sig` signs: sha256 of `AIT-TX|chain_id|type|sender|nonce|fee|payload`.
 * @param {string} chainId
 * @param {Unsigned} transaction
 */
export async function signBytes(chainId, { type, sender, nonce, fee, payload }) {
  return sha256(utf8(["AIT-TX", chainId, type, sender, nonce, fee, canonicalJson(payload)].join("|")));
}

/**
 * A signed transaction as it travels: canonical JSON of its seven fields.
 * @param {Transaction} transaction
 */
export function wireText(transaction) {
  return canonicalJson(transaction);
}

/**
 * The transaction's hash in the upper-case hex that CometBFT prints.
 * @param {Transaction} transaction
 */
export async function transactionHash(transaction) {
  return toHex(await sha256(utf8(wireText(transaction)))).toUpperCase();
}

/** An account whose private key stays inside WebCrypto. */
export class Wallet {
  #privateKey;

  /**
   * Use `Wallet.from`.
   * @param {CryptoKey} privateKey
   * @param {Uint8Array} publicKey
   * @param {string} address
   */
  constructor(privateKey, publicKey, address) {
    this.#privateKey = privateKey;
    /** Lower-case hex of the public key. */
    this.publicKey = toHex(publicKey);
    /** The account's bech32 address. */
    this.address = address;
  }

  /**
   * A wallet over an Ed25519 `CryptoKey` that may sign, and its 32-byte public key.
   * @param {import("./keystore.js").Key} key
   */
  static async from({ privateKey, publicKey }) {
    return new Wallet(privateKey, publicKey, await addressOf(publicKey));
  }

  /**
   * A complete signed transaction of this account on the given chain.
   * @param {string} chainId
   * @param {import("./api.js").Intent} intent
   * @param {{ nonce: number, fee: number }} terms
   * @returns {Promise<Transaction>}
   */
  async sign(chainId, intent, { nonce, fee }) {
    const unsigned = { ...intent, sender: this.address, nonce, fee };
    const digest = await signBytes(chainId, unsigned);
    const signature = await crypto.subtle.sign("Ed25519", this.#privateKey, digest);
    return { ...unsigned, pubkey: this.publicKey, sig: toHex(new Uint8Array(signature)) };
  }
}
