// Whether the chain has fallen silent: no block for much longer than it usually takes. Pure.

const SHORTEST_MILLISECONDS = 10_000;
const PACES = 5;

/** @typedef {Pick<import("./api.js").Block, "height" | "timestamp">} Beat */
/** @typedef {Pick<import("./api.js").Health, "status" | "reason">} Condition */

/**
 * What `/health` says of why no block comes, in words.
 * @type {Record<NonNullable<Condition["reason"]>, string | null>}
 */
const REASONS = {
  comet_unreachable: "the node’s CometBFT does not answer",
  consensus_failure: "the node’s consensus has failed",
  peers_pruned: "the node is behind, and its peers no longer have the next block",
  no_peers: "the node has no peers",
  no_quorum: "too few validators are heard of",
  no_decision: "the validators come to no decision",
  unknown: null,
};

/**
 * The usual pause between blocks, the newest first, in milliseconds: the median, which one long pause does not move.
 * @param {Beat[]} blocks
 */
function paceOf(blocks) {
  const pauses = blocks.slice(1).map((block, index) => {
    const next = blocks[index];
    return ((next.timestamp - block.timestamp) * 1_000) / (next.height - block.height);
  });
  return pauses.sort((left, right) => left - right)[Math.floor(pauses.length / 2)] ?? 0;
}

/**
 * Milliseconds without a block that are no silence yet: five times the usual pause between these blocks.
 * @param {Beat[]} blocks
 */
export const patience = (blocks) => Math.max(SHORTEST_MILLISECONDS, PACES * paceOf(blocks));

/**
 * Whether `now` is too long after `newestAt`, when the newest of these blocks arrived, in milliseconds.
 * @param {{ blocks: Beat[], newestAt: number | null, now: number }} seen
 */
export const isSilent = ({ blocks, newestAt, now }) =>
  blocks.length > 0 && newestAt !== null && now - newestAt > patience(blocks);

/**
 * What a node says of why its chain stands still, in a sentence; null where its chain goes on.
 * @param {Condition} condition
 */
export function explainStall({ status, reason }) {
  if (status === "starting") return "The node is fetching the blocks that it missed.";
  if (status !== "stalled") return null;
  const words = reason && REASONS[reason];
  return words ? `No block comes: ${words}.` : "No block comes.";
}
