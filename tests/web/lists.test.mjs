// The page's lists of transactions and escrows against a node that these tests play themselves: what the page
// makes of the answers of REST and of the live feed.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { describe, statusLabel, tell } from "../../rest/web/activity-panel.js";
import { sendTx } from "../../rest/web/api.js";
import { isCancellable } from "../../rest/web/escrow-panel.js";
import { EscrowBook } from "../../rest/web/escrows.js";
import { dropReason, newsFor } from "../../rest/web/events.js";
import { Outbox } from "../../rest/web/outbox.js";
import { RecordList } from "../../rest/web/records.js";
import { PlayedNode, event, newWallet, refused, settledView, strangers } from "./node.mjs";

const CHAIN_ID = "ait-test";

// What a browser has and node has not, or has otherwise.
globalThis.addEventListener ??= () => {};
Object.defineProperty(globalThis, "navigator", {
  configurable: true,
  value: { locks: { request: (_name, work) => work() } },
});

const [coordinator, miner] = strangers;

let node, wallet, outbox, escrows, announced;

beforeEach(async () => {
  node = new PlayedNode();
  wallet = await newWallet();
  const owner = { chainId: CHAIN_ID, address: wallet.address };
  const records = (name, limit) => new RecordList(name, { ...owner, limit });
  outbox = new Outbox({ api: node, wallet, chainId: CHAIN_ID, records: records("transactions", Outbox.limit) });
  escrows = new EscrowBook({
    api: node,
    client: wallet.address,
    outbox,
    records: records("escrows", EscrowBook.limit),
  });
  announced = [];
  outbox.addEventListener("settled", ({ detail }) => announced.push(tell(detail)));
});

const transfer = (amount = 1) => ({ type: "TRANSFER", payload: { to: miner, amount } });

const POOL_FULL = { code: "pool_full", codespace: "auth", message: "no place" };

/** Has the node drop a pending transaction, and the page believe it. */
async function drop(hash, reason = POOL_FULL) {
  node.txs.set(hash, { status: "dropped", receipt: null, tx: null, reason });
  for (let look = 0; look < 2; look += 1) await outbox.refresh();
}

async function refresh() {
  await outbox.refresh();
  await escrows.refresh();
}

/** Opens an escrow in block 5, as the node's state then has it. */
async function open(jobId = "job_1", rest = {}) {
  const payload = { job_id: jobId, coordinator, amount: 1_000_000, ttl_blocks: 100 };
  const { hash } = await outbox.submit({ type: "ESCROW_OPEN", payload });
  escrows.add({ payload, hash });
  node.escrows.set(jobId, {
    client: wallet.address,
    job_id: jobId,
    coordinator,
    attesters: [],
    threshold: 1,
    miner: null,
    assigned: false,
    partial: false,
    amount: 1_000_000,
    remaining: 1_000_000,
    paid: 0,
    claims: 0,
    cancelled: false,
    status: "open",
    reason: null,
    opened_height: 5,
    expires_height: 105,
    closed_height: null,
    last_receipt: null,
    ...rest,
  });
  node.commit(hash, 5);
  await refresh();
  return hash;
}

const change = (jobId, fields) => node.escrows.set(jobId, { ...node.escrows.get(jobId), ...fields });

function pay(jobId, { receiptId = "r1", price = 400_000, height = 9 } = {}) {
  const hash = `${receiptId}-HASH`;
  const names = { receipt_id: receiptId, job_id: jobId, miner, client: wallet.address, coordinator };
  node.receipts.set(`${miner}/${receiptId}`, {
    ...names,
    compute_units: 400,
    price,
    minted: 420_000,
    limited_by: null,
    status: "paid",
    height,
    tx_hash: hash,
  });
  return { hash, names, height };
}

/** The state, receipt and claim of an escrow that was settled. */
function settle(jobId) {
  const { hash, names, height } = pay(jobId);
  const closed = {
    status: "settled",
    reason: "settled",
    remaining: 0,
    paid: 400_000,
    claims: 1,
    closed_height: height,
  };
  change(jobId, { ...closed, last_receipt: { miner, receipt_id: "r1" } });
  const claim = { type: "RECEIPT_CLAIM", sender: miner, payload: { job_id: jobId } };
  const claimed = event("receipt_claimed", { ...names, compute_units: 400, price: 400_000, minted: 420_000 });
  const ended = {
    job_id: jobId,
    client: wallet.address,
    coordinator,
    miner,
    paid: 400_000,
    fee: 30,
    returned: 599_970,
  };
  return { hash, view: settledView(claim, height, [claimed, event("escrow_settled", ended)]) };
}

test("a transaction has the node's next nonce, and the fee that the node asks of this sender", async () => {
  node.nonce = 6;
  node.fee = 42;
  await outbox.submit(transfer());
  assert.deepEqual([node.sent[0].nonce, node.sent[0].fee], [7, 42]);
  assert.equal(node.asked[0].sender, wallet.address);
});

test("transactions sent without waiting have consecutive nonces", async () => {
  for (const amount of [1, 2, 3]) await outbox.submit(transfer(amount));
  assert.deepEqual(
    node.sent.map(({ nonce }) => nonce),
    [1, 2, 3],
  );
});

test("what got no answer keeps its nonce and is sent again before the next one", async () => {
  node.refusals.push(refused(503, "comet_unavailable"));
  const lost = await outbox.submit(transfer(1));
  assert.equal(lost.status, "sending");
  const next = await outbox.submit(transfer(2));
  assert.deepEqual([lost.nonce, next.nonce], [1, 2]);
  assert.deepEqual(
    outbox.list().map(({ status }) => status),
    ["pending", "pending"],
  );
});

test("a dropped transaction is shown with the node's reason and is not pending any more", async () => {
  const { hash } = await outbox.submit(transfer());
  await drop(hash, { code: "insufficient_balance", codespace: "bank", message: "too little" });
  const record = outbox.find(hash);
  assert.equal(statusLabel(record), "Dropped");
  assert.equal(describe(record), "too little (bank/insufficient_balance)");
  assert.ok(!outbox.isWaiting);
  assert.deepEqual(announced, ["Dropped: too little (bank/insufficient_balance)"]);
  assert.equal(node.sent.length, 1, "it is not sent again");
});

test("a transaction that is out of the pool before its block is told was not dropped", async () => {
  const { hash } = await outbox.submit(transfer());
  node.txs.set(hash, { status: "dropped", receipt: null, tx: null, reason: POOL_FULL });
  await outbox.refresh();
  assert.ok(outbox.isWaiting);
  node.txs.set(hash, settledView(node.sent[0], 8));
  await outbox.refresh();
  assert.deepEqual(announced, ["Committed: block 8"]);
});

test("a drop without a reason is told all the same", () => {
  assert.equal(dropReason(POOL_FULL), "no place (auth/pool_full)");
  assert.match(dropReason(undefined), /without a reason/);
  assert.match(dropReason(null), /without a reason/);
});

test("the nonce of a dropped transaction is used again, also in front of a later one", async () => {
  const first = await outbox.submit(transfer(1));
  const second = await outbox.submit(transfer(2));
  await drop(first.hash);
  const third = await outbox.submit(transfer(3));
  assert.equal(third.nonce, first.nonce);
  assert.equal(outbox.find(second.hash).status, "pending");
  const fourth = await outbox.submit(transfer(4));
  assert.equal(fourth.nonce, second.nonce + 1);
});

test("what a node dropped and a block has all the same is committed", async () => {
  const { hash } = await outbox.submit(transfer());
  await drop(hash);
  await outbox.observe(settledView(node.sent[0], 8));
  assert.equal(outbox.find(hash).status, "committed");
  assert.equal(describe(outbox.find(hash)), "block 8");
});

test("a top-up and a cancel of the account tell in their own rows what they did", async () => {
  await open();
  const own = { job_id: "job_1", client: wallet.address };
  const topUp = { client_addr: wallet.address, job_id: "job_1", amount: 500_000 };
  const { hash: first } = await outbox.submit({ type: "ESCROW_TOPUP", payload: topUp });
  const toppedUp = { ...own, sender: wallet.address, amount: 500_000, remaining: 1_500_000, expires_height: 105 };
  node.commit(first, 7, [event("escrow_topped_up", toppedUp)]);
  const { hash: second } = await outbox.submit({ type: "ESCROW_CANCEL", payload: { job_id: "job_1" } });
  node.commit(second, 8, [event("escrow_cancelled", { ...own, coordinator, expires_height: 68 })]);
  await outbox.refresh();
  assert.equal(describe(outbox.find(first)), "block 7: 1.5 AIT remain, until block 105");
  assert.equal(describe(outbox.find(second)), "block 8: ends in block 68");
  assert.equal(outbox.list().length, 3, "no row of their own for their events");
});

test("what others do to the account's escrows is told once each", async () => {
  await open();
  const own = { job_id: "job_1", client: wallet.address, coordinator };
  const views = [
    settledView({ type: "ESCROW_ASSIGN" }, 6, [event("escrow_assigned", { ...own, miner })]),
    settledView({ type: "ESCROW_TOPUP" }, 7, [
      event("escrow_topped_up", { ...own, sender: miner, amount: 5, remaining: 1_000_005, expires_height: 105 }),
    ]),
    settledView({ type: "ESCROW_RELEASE" }, 8, [
      event("escrow_refunded", { ...own, amount: 1_000_005, reason: "released" }),
    ]),
  ];
  for (const view of [...views, ...views]) await outbox.observe(view);
  const [released, toppedUp, assigned, ...others] = outbox.list();
  assert.equal(others.length, 1, "the opening");
  assert.equal(announced.length, 4);
  assert.deepEqual([released, toppedUp, assigned].map(statusLabel), ["Refunded", "Topped up", "Assigned"]);
  assert.equal(describe(released), "block 8: it was released, 1.000005 AIT came back");
  assert.equal(describe(toppedUp), "block 7: 1.000005 AIT remain, until block 105");
  assert.match(describe(assigned), /^block 6: only ait1.* may claim$/);
});

test("a receipt that a failed claim refused is told", async () => {
  const refusal = { receipt_id: "r1", job_id: "job_1", miner, client: wallet.address, coordinator };
  const view = settledView({ type: "RECEIPT_CLAIM", sender: miner }, 9, [event("receipt_refused", refusal)], {
    status: "failed",
  });
  await outbox.observe(view);
  assert.equal(statusLabel(outbox.list()[0]), "Refused");
});

test("what concerns other clients is not told", async () => {
  const others = { job_id: "job_1", client: miner, coordinator, amount: 5, reason: "expired" };
  const view = settledView({ type: "ESCROW_RELEASE" }, 8, [event("escrow_refunded", others)]);
  assert.deepEqual(newsFor(wallet.address, view, "H"), []);
  await outbox.observe(view);
  assert.deepEqual(outbox.list(), []);
});

test("an open escrow shows its bound miner, what remains, and its end", async () => {
  await open();
  change("job_1", { miner, assigned: true, remaining: 700_000, expires_height: 205 });
  await refresh();
  const { status, miner: bound, assigned, remaining, expires_height } = escrows.find("job_1");
  assert.deepEqual([status, bound, assigned, remaining, expires_height], ["open", miner, true, 700_000, 205]);
});

test("a settled escrow has its receipt, and tells once that it was paid", async () => {
  await open();
  const { hash, view } = settle("job_1");
  node.txs.set(hash, view);
  await refresh();
  await outbox.observe(view);
  await refresh();
  const record = escrows.find("job_1");
  assert.deepEqual([record.status, record.reason, record.final], ["settled", "settled", true]);
  assert.deepEqual([record.receipt.price, record.receipt.height, record.returned], [400_000, 9, 599_970]);
  const told = outbox.list().filter(({ status }) => status === "receipt_claimed");
  assert.equal(told.length, 1);
  assert.match(describe(told[0]), /^block 9: 0\.4 AIT to ait1.*, 0\.59997 AIT came back$/);
});

test("a claim whose transaction the node tells a moment later is still awaited", async () => {
  await open();
  const { hash, view } = settle("job_1");
  await refresh();
  assert.ok(!escrows.find("job_1").final);
  node.txs.set(hash, view);
  await refresh();
  assert.deepEqual([escrows.find("job_1").final, escrows.find("job_1").returned], [true, 599_970]);
});

test("a receipt whose transaction the node no longer has is shown without the rest", async () => {
  await open();
  settle("job_1");
  for (let look = 0; look < 3; look += 1) await refresh();
  const record = escrows.find("job_1");
  assert.ok(record.final);
  assert.equal(record.receipt.price, 400_000);
  assert.equal(record.returned, undefined);
});

test("a partial escrow shows each part as it is paid, and stays open", async () => {
  await open("job_1", { partial: true, miner });
  for (const [receiptId, claims] of [
    ["r1", 1],
    ["r2", 2],
  ]) {
    pay("job_1", { receiptId, price: 100_000, height: 10 + claims });
    const paid = 100_000 * claims;
    change("job_1", { claims, paid, remaining: 1_000_000 - paid, last_receipt: { miner, receipt_id: receiptId } });
    await refresh();
    await refresh();
    const record = escrows.find("job_1");
    assert.deepEqual([record.status, record.receipt.receipt_id, record.paid], ["open", receiptId, paid]);
  }
  change("job_1", { status: "refunded", reason: "expired", remaining: 0, closed_height: 105 });
  await refresh();
  assert.equal(escrows.find("job_1").returned, 800_000);
  const statuses = outbox.list().map(({ status }) => status);
  assert.deepEqual(statuses, ["escrow_refunded", "receipt_claimed", "receipt_claimed", "committed"]);
});

test("an escrow that ended by itself tells why, though no transaction did", async () => {
  for (const [jobId, reason, story] of [
    ["job_1", "expired", "it expired"],
    ["job_2", "cancelled", "it was cancelled"],
  ]) {
    await open(jobId);
    change(jobId, { status: "refunded", reason, remaining: 0, closed_height: 105 });
    await refresh();
    await refresh();
    const record = escrows.find(jobId);
    assert.deepEqual(
      [record.status, record.reason, record.final, record.returned],
      ["refunded", reason, true, 1_000_000],
    );
    assert.equal(describe(outbox.list()[0]), `block 105: ${story}, 1 AIT came back`);
  }
  assert.equal(outbox.list().filter(({ status }) => status === "escrow_refunded").length, 2);
});

test("a release that the feed tells and the state shows is told once", async () => {
  await open();
  const released = { job_id: "job_1", client: wallet.address, coordinator, amount: 1_000_000, reason: "released" };
  await outbox.observe(settledView({ type: "ESCROW_RELEASE" }, 8, [event("escrow_refunded", released)]));
  change("job_1", { status: "refunded", reason: "released", remaining: 0, closed_height: 8 });
  await refresh();
  assert.equal(outbox.list().filter(({ status }) => status === "escrow_refunded").length, 1);
});

test("a part that was told is not told again when its row is gone", async () => {
  await open("job_1", { partial: true, miner });
  pay("job_1");
  change("job_1", { claims: 1, paid: 400_000, remaining: 600_000, last_receipt: { miner, receipt_id: "r1" } });
  await refresh();
  outbox.clear();
  await refresh();
  assert.deepEqual(outbox.list(), []);
});

test("a refunded escrow whose record the chain deleted is refunded, not unknown", async () => {
  await open();
  node.escrows.delete("job_1");
  for (let look = 0; look < 3; look += 1) await refresh();
  assert.equal(escrows.find("job_1").status, "refunded");
});

test("an opening that was dropped fails the escrow, until a block has it", async () => {
  const payload = { job_id: "job_1", coordinator, amount: 1_000_000, ttl_blocks: 100 };
  const { hash } = await outbox.submit({ type: "ESCROW_OPEN", payload });
  escrows.add({ payload, hash });
  await drop(hash);
  await escrows.refresh();
  assert.deepEqual([escrows.find("job_1").status, escrows.find("job_1").failure], ["failed", "no place (auth/pool_full)"]);
  await outbox.observe(settledView(node.sent[0], 5));
  await escrows.refresh();
  assert.equal(escrows.find("job_1").status, "opening");
});

test("a cancel is offered only where it would end the escrow sooner", () => {
  const record = { status: "open", miner: null, cancelled: false, expires_height: 1_000 };
  const at = { height: 100, notice: 600 };
  assert.ok(isCancellable(record, at));
  assert.ok(!isCancellable({ ...record, miner }, at));
  assert.ok(!isCancellable({ ...record, cancelled: true }, at));
  assert.ok(!isCancellable({ ...record, status: "settled" }, at));
  assert.ok(!isCancellable({ ...record, expires_height: 701 }, at));
  assert.ok(isCancellable({ ...record, expires_height: 702 }, at));
});

test("what the page sends replaces nothing that is pending", async (t) => {
  const asked = t.mock.method(globalThis, "fetch", async () => new Response('{"txHash":"00"}'));
  await sendTx({});
  assert.equal(asked.mock.calls[0].arguments[0], "/rpc/sendTx?replace=false");
});
