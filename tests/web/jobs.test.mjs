// What the page tells of an escrow whose coordinator knows no such job.

import assert from "node:assert/strict";
import { test } from "node:test";

import { explain } from "../../rest/web/escrow-panel.js";
import { EscrowBook } from "../../rest/web/escrows.js";
import { RecordList } from "../../rest/web/records.js";
import { PlayedNode, strangers } from "./node.mjs";

// What a browser has and node has not.
globalThis.addEventListener ??= () => {};

const [coordinator, client] = strangers;

/** A book with an open escrow, whose coordinator says this of its job; and how often it was asked. */
async function withEscrow(answer, escrow = {}) {
  const node = new PlayedNode();
  const asked = [];
  const book = new EscrowBook({
    api: node,
    client,
    outbox: { find: () => ({ status: "committed" }), tell: () => {} },
    records: new RecordList("escrows", { chainId: "ait-test", address: client, limit: EscrowBook.limit }),
    knowsJob: async (job) => {
      asked.push(job);
      return answer;
    },
  });
  book.clear();
  const open = { status: "open", miner: null, claims: 0, amount: 5, remaining: 5, opened_height: 5, expires_height: 105 };
  node.escrows.set("my-job", { client, job_id: "my-job", coordinator, ...open, ...escrow });
  book.add({ payload: { job_id: "my-job", coordinator, amount: 5 }, hash: "AB" });
  await book.refresh();
  await book.refresh();
  return { told: explain(book.find("my-job"), 10), asked };
}

test("a coordinator that knows no such job is told of where the client looks", async () => {
  const { told, asked } = await withEscrow(false);
  assert.match(told, /coordinator knows no such job/);
  assert.deepEqual(asked, [{ client, job_id: "my-job", coordinator, amount: 5 }]);
});

test("one that knows the job, or does not say, is not", async () => {
  for (const answer of [true, null]) assert.match((await withEscrow(answer)).told, /^Waiting for a miner/);
});

test("an escrow that has its miner is not asked about", async () => {
  const { told, asked } = await withEscrow(false, { miner: coordinator });
  assert.match(told, /^Waiting for its miner/);
  assert.deepEqual(asked, []);
});
