// When the page says that no block comes any more.

import assert from "node:assert/strict";
import { test } from "node:test";

import { explainStall, isSilent, patience } from "../../rest/web/silence.js";

/** Blocks down from a height, so many seconds apart, the newest first. */
const blocks = (count, pause) =>
  Array.from({ length: count }, (_, index) => ({ height: 100 - index, timestamp: 5_000 - index * pause }));

test("silence is five pauses between blocks, and ten seconds at least", () => {
  assert.equal(patience(blocks(8, 1)), 10_000);
  assert.equal(patience(blocks(8, 60)), 300_000);
  assert.equal(patience(blocks(1, 60)), 10_000);
  const gapped = [blocks(8, 60)[0], blocks(8, 60)[7]];
  assert.equal(patience(gapped), 300_000);
  const resumed = blocks(8, 1).map((block, index) => ({ ...block, timestamp: block.timestamp - (index > 2 ? 3_600 : 0) }));
  assert.equal(patience(resumed), 10_000);
});

test("a chain is silent once its newest block came too long ago, and not before there is one", () => {
  const at = (milliseconds) => isSilent({ blocks: blocks(8, 1), newestAt: 1_000, now: 1_000 + milliseconds });
  assert.equal(at(10_000), false);
  assert.equal(at(10_001), true);
  assert.equal(isSilent({ blocks: [], newestAt: null, now: 1e12 }), false);
});

test("what the node says of a chain that stands still is told in words", () => {
  assert.equal(explainStall({ status: "ok", reason: null }), null);
  assert.match(explainStall({ status: "stalled", reason: "no_quorum" }), /too few validators/);
  assert.match(explainStall({ status: "stalled", reason: "peers_pruned" }), /behind/);
  assert.match(explainStall({ status: "stalled", reason: "unknown" }), /^No block comes\.$/);
  assert.match(explainStall({ status: "starting", reason: null }), /fetching/);
});
