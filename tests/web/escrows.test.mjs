// The page's escrows in a real Chromium against a running devnet (AIT_REST_URL), driven and judged as a client would,
// with the chain's own answers over REST as the independent witness.

import assert from "node:assert/strict";

import { shorten } from "../../rest/web/dom.js";
import { accountOf, escrowOf, eventually, freshAddress, rest, uait } from "./browser.mjs";
import { inBrowser } from "./scene.mjs";

// The devnet's coordinator knows the jobs job_1 to job_1000000 alone (--known-jobs): nobody claims an escrow for
// another one.
const NOBODYS_JOB = "nobodys-job";

/** The digits of a count or height that the page shows. */
const count = (text) => Number(text.replace(/\D/g, ""));

inBrowser("an escrow's receipt arrives and tells who was paid what", async ({ user }) => {
  const { address, balance } = await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1" });
  const receiptId = await user.escrowOf(jobId, "Receipt");
  const { last_receipt: last, paid, closed_height: closed } = await escrowOf(address, jobId);
  assert.equal(receiptId, last.receipt_id);
  const path = `/rpc/getReceipt/${last.miner}/${receiptId}`;
  assert.equal(await user.escrow(jobId).getByRole("link", { name: receiptId }).getAttribute("href"), path);
  const receipt = await rest(path);
  assert.equal(receipt.client, address);
  assert.equal(receipt.job_id, jobId);
  assert.equal(uait(await user.escrowOf(jobId, "Price paid")), receipt.price);
  assert.equal(uait(await user.escrowOf(jobId, "Newly minted")), receipt.minted);
  assert.equal(count(await user.escrowOf(jobId, "Compute units")), receipt.compute_units);
  const [head, tail] = (await user.escrowOf(jobId, "Miner")).split("…");
  assert.ok(receipt.miner.startsWith(head) && receipt.miner.endsWith(tail));
  assert.equal(uait(await user.escrowOf(jobId, "Paid out")), paid);
  assert.equal(count(await user.escrowOf(jobId, "Closed in block")), closed);

  const account = await accountOf(address);
  await user.seesBalance(account.balance);
  const { receipt: opening } = await rest(`/rpc/getTx/${await user.hashOf(`Escrow for ${jobId}`)}`);
  const returned = uait(await user.escrowOf(jobId, "Back to you"));
  assert.equal(balance - opening.fee - 1_000_000 + returned, account.balance);
  await user.seesActivity(`Receipt for ${jobId}`, "Paid", "came back");
});

inBrowser("an open escrow shows what remains, whom it is bound to and its end", async ({ user }) => {
  const { address } = await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1", jobId: NOBODYS_JOB });
  assert.match(await user.escrowOf(jobId, "Remaining"), /^1 AIT/);
  assert.equal(uait(await user.escrowOf(jobId, "Paid out")), 0);
  assert.equal((await user.escrowOf(jobId, "Bound miner")).trim(), "none");
  const { expires_height: end, remaining } = await escrowOf(address, jobId);
  assert.equal(count(await user.escrowOf(jobId, "Ends in block")), end);
  await eventually(async () => /^1 AIT/.test(await user.holding("In escrows")), "the account shows what is locked");
  assert.equal(remaining, 1_000_000);
  await user.escrow(jobId).getByText("Its coordinator knows no such job").waitFor();
});

inBrowser("a top-up adds to an escrow and extends it", async ({ user }) => {
  const { address } = await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1", jobId: NOBODYS_JOB, lifetime: "500" });
  const before = count(await user.escrowOf(jobId, "Ends in block"));
  await user.topsUp(jobId, { amount: "0.5", lifetime: "2000" });
  await user.seesActivity(`Top-up for ${jobId}`, "Committed", "1.5 AIT remain");
  const { amount, remaining, expires_height: end } = await escrowOf(address, jobId);
  assert.deepEqual([amount, remaining], [1_500_000, 1_500_000]);
  assert.ok(end > before);
  await eventually(async () => count(await user.escrowOf(jobId, "Ends in block")) === end, "the later end is shown");
  assert.match(await user.escrowOf(jobId, "Remaining"), /^1\.5 AIT/);
});

inBrowser("a top-up that cannot be sent is refused beside its field", async ({ user, page, seen }) => {
  await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1", jobId: NOBODYS_JOB });
  const sent = seen.sent;
  await user
    .escrow(jobId)
    .getByRole("button", { name: `Top up ${jobId}` })
    .click();
  const dialog = page.getByRole("dialog", { name: `Top up ${jobId}` });
  for (const [field, amount, lifetime, reason] of [
    ["Amount", "0", "", /more than 0/],
    ["Amount", "1000000", "", /More than your/],
    ["Expires after", "1", "0", /whole number/],
    ["Expires after", "1", "99999999", /whole number/],
  ]) {
    await dialog.getByLabel("Amount").fill(amount);
    await dialog.getByLabel("Expires after").fill(lifetime);
    await dialog.getByRole("button", { name: "Top up" }).click();
    await dialog.getByText(reason).waitFor();
    const input = dialog.getByLabel(field);
    assert.equal(await input.getAttribute("aria-invalid"), "true");
    assert.ok(await input.evaluate((node) => node === document.activeElement), `${field} has the focus`);
  }
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(seen.sent, sent);
});

inBrowser("a cancel ends an escrow sooner, after asking", async ({ user, page }) => {
  const { address } = await user.makesFundedKey();
  const { cancel_notice_blocks: notice } = await rest("/rpc/getParams");
  const jobId = await user.opensEscrow({ amount: "1", jobId: NOBODYS_JOB, lifetime: String(notice + 1_000) });
  const button = user.escrow(jobId).getByRole("button", { name: `Cancel ${jobId}` });
  await button.click();
  await page.getByRole("button", { name: "Keep it" }).click();
  assert.equal((await escrowOf(address, jobId)).cancelled, false);
  await user.cancels(jobId);
  await user.seesActivity(`Cancel for ${jobId}`, "Committed", "ends in block");
  const { receipt } = await rest(`/rpc/getTx/${await user.hashOf(`Cancel for ${jobId}`)}`);
  const { cancelled, expires_height: end } = await escrowOf(address, jobId);
  assert.deepEqual([cancelled, end], [true, receipt.height + notice]);
  await user
    .escrow(jobId)
    .getByText(/^Cancelled:/)
    .waitFor();
  await button.waitFor({ state: "hidden" });
  assert.equal(count(await user.escrowOf(jobId, "Ends in block")), end);
});

inBrowser("an escrow that nobody claims comes back, and says why", async ({ user }) => {
  const { address, balance } = await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1", jobId: NOBODYS_JOB, lifetime: "3" });
  await user
    .escrow(jobId)
    .getByText(/^Nobody claimed it in time: 1 AIT came back/)
    .waitFor();
  await user.seesActivity(`Escrow for ${jobId}`, "Refunded", "it expired, 1 AIT came back");
  const { status, reason, closed_height: closed } = await escrowOf(address, jobId);
  assert.deepEqual([status, reason], ["refunded", "expired"]);
  assert.equal(count(await user.escrowOf(jobId, "Closed in block")), closed);
  const opening = user.activity(`Escrow for ${jobId}`).filter({ hasText: "Committed" });
  const fee = uait(await opening.getByText(/^fee/).innerText());
  await user.seesBalance(balance - fee);
});

inBrowser("an escrow below the least amount is refused beside its field", async ({ user, seen }) => {
  await user.makesFundedKey();
  await user.escrowForm.getByLabel("Amount").fill("0.000001");
  await user.escrowForm.getByRole("button", { name: "Open", exact: true }).click();
  await user.escrowForm.getByText(/An escrow has at least/).waitFor();
  assert.equal(seen.sent, 0);
});

{
  const sockets = [];
  inBrowser(
    "what others do to the account's escrows is told as it happens",
    async ({ user }) => {
      const { address } = await user.makesFundedKey();
      const [coordinator, miner] = [freshAddress(), freshAddress()];
      const own = { job_id: "job_7", client: address, coordinator, miner };
      const attributes = (fields) => Object.entries(fields).map(([key, value]) => ({ key, value, index: true }));
      const tell = (height, type, fields, status = "committed") => {
        const events = [{ type, attributes: attributes({ ...own, ...fields }) }];
        const receipt = { height, index: 0, code: 0, codespace: "", log: "", fee: 3, events };
        const tx = { type: "OTHERS", sender: coordinator, nonce: height, payload: {} };
        sockets.at(-1).send(JSON.stringify({ type: "tx", data: { status, receipt, tx } }));
      };
      tell(1, "escrow_assigned", {});
      await user.seesActivity("Miner for job_7", "Assigned", `only ${shorten(miner)} may claim`);
      tell(2, "escrow_topped_up", { sender: miner, amount: "5", remaining: "25", expires_height: "99" });
      await user.seesActivity(
        `Top-up for job_7 by ${shorten(miner)}`,
        "Topped up",
        "0.000025 AIT remain, until block 99",
      );
      tell(3, "escrow_cancelled", { expires_height: "50" });
      await user.seesActivity("Escrow for job_7", "Cancelled", "ends in block 50");
      tell(4, "receipt_refused", { receipt_id: "r1" }, "failed");
      await user.seesActivity("Receipt for job_7", "Refused", "was denied");
      tell(5, "receipt_claimed", { receipt_id: "r2", compute_units: "1", price: "7", minted: "1" });
      await user.seesActivity("Receipt for job_7", "Paid", `0.000007 AIT to ${shorten(miner)}`);
      tell(6, "escrow_refunded", { amount: "18", reason: "released" });
      await user.seesActivity("Escrow for job_7", "Refunded", "it was released, 0.000018 AIT came back");
    },
    {
      before: ({ page }) =>
        page.routeWebSocket("**/p2p/ws", (socket) => {
          socket.connectToServer();
          sockets.push(socket);
        }),
    },
  );
}

inBrowser("an open escrow is still followed after a reload", async ({ user, page }) => {
  await user.makesFundedKey();
  const jobId = await user.opensEscrow({ amount: "1" });
  await page.reload();
  await user.escrowOf(jobId, "Back to you");
});
