// What the page knows of the chain itself: its head, its latest blocks, its supply, its params.
// Fed by the live feed, filled up over REST where the feed has gaps. Knows nothing of accounts.

/** @typedef {import("./api.js").Block} Block */
/** @typedef {Pick<import("./api.js").Api, "getHead" | "getBlock" | "getSupply" | "getParams">} Api */

const SHOWN_BLOCKS = 8;

/** The chain as seen from this page; dispatches "blocks", "supply" and "params" when those change. */
export class Chain extends EventTarget {
  /** @type {Api} */
  #api;
  /** @type {Map<number, Block>} */
  #blocks = new Map();

  /**
   * `getSupply`'s answer, or null before the first.
   * @type {import("./api.js").Supply | null}
   */
  supply = null;

  /**
   * `getParams`' answer, or null before the first.
   * @type {import("./api.js").Params | null}
   */
  params = null;

  /**
   * When the newest block arrived here, in milliseconds of this browser's clock; null before the first.
   * @type {number | null}
   */
  newestAt = null;

  /** @param {{ api: Api }} parts */
  constructor({ api }) {
    super();
    this.#api = api;
  }

  /** How many blocks are listed. */
  static get shownBlocks() {
    return SHOWN_BLOCKS;
  }

  /** The height of the latest block, 0 before the first is known. */
  get height() {
    return Math.max(0, ...this.#blocks.keys());
  }

  /** The latest blocks, newest first. */
  get blocks() {
    return [...this.#blocks.values()].sort((left, right) => right.height - left.height);
  }

  /**
   * Takes in a block; true where it is the new head.
   * @param {Block} block
   */
  add(block) {
    const isHead = block.height > this.height;
    if (isHead) this.newestAt = Date.now();
    this.#blocks.set(block.height, block);
    for (const height of this.#blocks.keys()) {
      if (height <= this.height - SHOWN_BLOCKS) this.#blocks.delete(height);
    }
    this.dispatchEvent(new Event("blocks"));
    return isHead;
  }

  /** Fetches the latest blocks that are not known yet. */
  async refreshBlocks() {
    const { height: head } = await this.#api.getHead();
    const heights = Array.from({ length: SHOWN_BLOCKS }, (_, index) => head - index);
    const missing = heights.filter((height) => height > 0 && !this.#blocks.has(height));
    const fetched = await Promise.all(missing.map((height) => this.#api.getBlock(height)));
    for (const block of fetched) {
      if (block) this.add(block);
    }
  }

  /** Fetches the supply. */
  async refreshSupply() {
    this.supply = await this.#api.getSupply();
    this.dispatchEvent(new Event("supply"));
  }

  /** Fetches the params. */
  async refreshParams() {
    this.params = await this.#api.getParams();
    this.dispatchEvent(new Event("params"));
  }

  /** Whether blocks are missing between the ones that are listed. */
  get hasGap() {
    const expected = Math.min(SHOWN_BLOCKS, this.height);
    return this.#blocks.size < expected;
  }
}
