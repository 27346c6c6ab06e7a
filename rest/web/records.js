// Lists this browser remembers for one account on one chain: its transactions, its escrows.
// Owns the localStorage keys "ait/…"; where storage is refused, a list lives as long as the page.

const PREFIX = "ait/";

/**
 * Forgets every list of every account on a chain.
 * @param {string} chainId
 */
export function forgetChain(chainId) {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(`${PREFIX}${chainId}/`)) localStorage.removeItem(key);
  }
}

/**
 * A remembered list of plain objects, newest first, that other tabs of the page share.
 * @template {{ final?: boolean }} T
 */
export class RecordList {
  #key;
  #limit;
  /** @type {T[]} */
  #fallback = [];

  /**
   * @param {string} name
   * @param {{ chainId: string, address: string, limit: number }} whose
   */
  constructor(name, { chainId, address, limit }) {
    this.#key = `${PREFIX}${chainId}/${address}/${name}`;
    this.#limit = limit;
  }

  /**
   * All records, newest first.
   * @returns {T[]}
   */
  all() {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? "[]") ?? [];
    } catch {
      return this.#fallback;
    }
  }

  /**
   * Adds a record in front, or replaces the one for which `same` holds.
   * @param {T} record
   * @param {(record: T) => boolean} same
   */
  put(record, same) {
    const records = this.all();
    const index = records.findIndex(same);
    if (index === -1) records.unshift(record);
    else records[index] = record;
    this.#save(records);
  }

  /**
   * Changes the fields of the record for which `same` holds, if it is still there.
   * @param {Partial<T>} fields
   * @param {(record: T) => boolean} same
   */
  patch(fields, same) {
    this.#save(this.all().map((record) => (same(record) ? { ...record, ...fields } : record)));
  }

  /**
   * Forgets the record for which `same` holds.
   * @param {(record: T) => boolean} same
   */
  remove(same) {
    this.#save(this.all().filter((record) => !same(record)));
  }

  /** Forgets the whole list. */
  clear() {
    this.#save([]);
  }

  /**
   * Calls back when another tab changed the list.
   * @param {() => void} callback
   */
  onElsewhere(callback) {
    addEventListener("storage", ({ key }) => {
      if (key === this.#key) callback();
    });
  }

  /** @param {T[]} records */
  #save(records) {
    // What is not final yet is never cut off: its outcome is still to come.
    const kept = records.filter((record, index) => index < this.#limit || !record.final);
    this.#fallback = kept;
    try {
      if (kept.length > 0) localStorage.setItem(this.#key, JSON.stringify(kept));
      else localStorage.removeItem(this.#key);
    } catch {
      // The fallback has it.
    }
  }
}
