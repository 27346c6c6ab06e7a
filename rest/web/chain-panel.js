// The chain's side of the page: the latest blocks, the supply, the state of the live feed.

import { formatAit, groupDigits } from "./amount.js";
import { byId, fill, fromTemplate, ofKind, part, setShortened, setText, syncList } from "./dom.js";

/** @typedef {import("./api.js").Block} Block */
/** @typedef {import("./live.js").FeedState | "connecting"} FeedState */

const FEED_LABELS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" };

/** @type {Exclude<keyof import("./api.js").Supply, "proof">[]} */
const SUPPLY_PARTS = ["total", "genesis", "minted", "burned", "balances", "escrows", "stakes", "bonds", "unbonding"];

/** @param {number} timestamp */
const timeOfDay = (timestamp) =>
  new Date(timestamp * 1000).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hour12: false,
  });

/**
 * @param {HTMLElement} row
 * @param {Block} block
 */
function updateBlock(row, block) {
  const count = block.txs.length;
  const time = ofKind(HTMLTimeElement, part(row, "time"));
  fill(row, { height: groupDigits(block.height), txs: count === 1 ? "1 tx" : `${groupDigits(count)} txs` });
  part(row, "txs").classList.toggle("some", count > 0);
  time.dateTime = new Date(block.timestamp * 1000).toISOString();
  setText(time, timeOfDay(block.timestamp));
  setShortened(part(row, "proposer"), block.proposer, 7, 5);
  setShortened(part(row, "hash"), block.hash, 6, 6);
}

/**
 * Shows the latest blocks, newest first.
 * @param {Block[]} blocks
 */
export function showBlocks(blocks) {
  if (blocks.length === 0) return;
  byId("blocks").removeAttribute("aria-busy");
  syncList(byId("blocks"), blocks, {
    key: ({ height }) => height,
    create: () => fromTemplate("block-row"),
    update: updateBlock,
  });
  setText(byId("head-height"), groupDigits(blocks[0].height));
}

/**
 * Fills the list of blocks with blank rows until the first ones are known.
 * @param {number} count
 */
export function showBlocksLoading(count) {
  const blanks = Array.from({ length: count }, (_, index) => `blank-${index}`);
  byId("blocks").setAttribute("aria-busy", "true");
  syncList(byId("blocks"), blanks, {
    key: (blank) => blank,
    create: () => {
      const row = fromTemplate("block-row");
      row.classList.add("blank");
      return row;
    },
    update: () => {},
  });
}

/**
 * Shows `getSupply`'s answer.
 * @param {import("./api.js").Supply} supply
 */
export function showSupply(supply) {
  byId("supply").removeAttribute("aria-busy");
  for (const name of SUPPLY_PARTS) setText(byId(`supply-${name}`), formatAit(supply[name]));
}

/**
 * Shows the state of the feed, "connecting", "live" or "reconnecting"; or that no block has come since `silentSince`,
 * the newest one.
 * @param {FeedState} state
 * @param {Block | null} [silentSince]
 */
export function showFeedState(state, silentSince = null) {
  byId("feed").dataset.state = silentSince ? "silent" : state;
  setText(
    byId("feed-state"),
    silentSince ? `No block since ${timeOfDay(silentSince.timestamp)}` : FEED_LABELS[state],
  );
}

/**
 * Shows the chain's id.
 * @param {string} chainId
 */
export function showChainId(chainId) {
  setText(byId("chain-id"), chainId);
}

/**
 * Shows a message over the whole page; null takes it away.
 * @param {string | null} message
 */
export function showNotice(message) {
  setText(byId("notice"), message ?? "");
}
