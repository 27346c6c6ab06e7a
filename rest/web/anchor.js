// Tells a chain from a later one that was started afresh under the same id: by the hash of a block remembered
// from the first visit, block 1 where the node still has it. Owns the localStorage keys "ait/<chain id>/anchor".

import { forgetChain } from "./records.js";

/** @typedef {Pick<import("./api.js").Api, "getBlock">} Blocks */
/** @typedef {Pick<import("./api.js").Health, "chain_id" | "height">} Served what a node says that it serves */
/** @typedef {Pick<import("./api.js").Block, "height" | "hash">} Anchor */

/** @param {string} chainId */
const keyOf = (chainId) => `ait/${chainId}/anchor`;

/**
 * @param {string} chainId
 * @returns {Anchor | null}
 */
function remembered(chainId) {
  try {
    return JSON.parse(localStorage.getItem(keyOf(chainId)) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} chainId
 * @param {Anchor} block
 */
function remember(chainId, { height, hash }) {
  try {
    localStorage.setItem(keyOf(chainId), JSON.stringify({ height, hash }));
  } catch {
    // Without storage nothing outlives the page, so there is nothing to tell apart.
  }
}

/**
 * Whether the node serves another chain under this id than the one remembered. A node that cannot tell,
 * because it is behind or dropped the block, counts as serving the same.
 * @param {Blocks} api
 * @param {Served} served
 */
export async function isAnotherChain(api, { chain_id: chainId, height }) {
  const anchor = remembered(chainId);
  if (!anchor || height < anchor.height) return false;
  const block = await api.getBlock(anchor.height);
  return block !== null && block.hash !== anchor.hash;
}

/**
 * Remembers the chain the node serves; forgets what was kept of a former one under the same id.
 * @param {Blocks} api
 * @param {Served} served
 */
export async function recognize(api, { chain_id: chainId, height }) {
  if (height < 1) return;
  if (await isAnotherChain(api, { chain_id: chainId, height })) forgetChain(chainId);
  if (remembered(chainId)) return;
  const block = (await api.getBlock(1)) ?? (await api.getBlock(height));
  if (block) remember(chainId, block);
}
