// The one key of this browser: made by WebCrypto, kept in IndexedDB as a CryptoKey that nobody can export.
// Owns the database "ait"; nothing else of the page opens it.

const DATABASE = "ait";
const STORE = "keys";
const CURRENT = "current";

/** The browser cannot make or keep an Ed25519 key. The message says why and what helps. */
export class KeysUnavailable extends Error {}

/** @typedef {{ privateKey: CryptoKey, publicKey: Uint8Array<ArrayBuffer> }} Key */

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function openDatabase() {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return await settled(request);
  } catch (error) {
    throw new KeysUnavailable(
      `This browser does not let the page keep a key (${error instanceof Error ? error.message : error}). Private windows often forbid it.`,
    );
  }
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<T>} work
 */
async function transact(mode, work) {
  const database = await openDatabase();
  try {
    const transaction = database.transaction(STORE, mode);
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const result = await work(transaction.objectStore(STORE));
    await done;
    return result;
  } finally {
    database.close();
  }
}

/** @returns {Promise<Key>} */
async function generate() {
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) {
    throw new KeysUnavailable(
      "Browsers give keys only to pages opened over https or from localhost. Open this page at one of those addresses.",
    );
  }
  try {
    const pair = /** @type {CryptoKeyPair} */ (await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]));
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { privateKey: pair.privateKey, publicKey };
  } catch (error) {
    throw new KeysUnavailable(
      "This browser has no Ed25519 in WebCrypto. Chrome or Edge 137, Firefox 130, Safari 17, or anything newer has it. " +
        `(${error instanceof Error ? error.name : error})`,
    );
  }
}

/** Throws KeysUnavailable, with the reason, where `make` would. */
export async function assertKeysAvailable() {
  await generate();
}

/**
 * The stored key, or null when none was made yet.
 * @returns {Promise<Key | null>}
 */
export async function load() {
  return (await transact("readonly", (store) => settled(store.get(CURRENT)))) ?? null;
}

/**
 * @param {Key} left
 * @param {Key} right
 */
const samePublicKey = (left, right) => left.publicKey.join() === right.publicKey.join();

/**
 * Makes a new key and stores it in the place of `replaced` (null: of none). Where another tab was
 * faster, its key stays and is returned, so that no key is ever lost that nobody agreed to lose.
 * @param {Key | null} replaced
 */
export async function make(replaced) {
  const fresh = await generate();
  return transact("readwrite", async (store) => {
    const stored = /** @type {Key | undefined} */ (await settled(store.get(CURRENT)));
    const expected = replaced ? stored && samePublicKey(stored, replaced) : !stored;
    if (!expected && stored) return stored;
    await settled(store.put(fresh, CURRENT));
    return fresh;
  });
}
