// The page in a real Chromium against a running devnet (AIT_REST_URL), driven and judged as its user would,
// with the chain's own answers over REST as the independent witness.

import assert from "node:assert/strict";
import { test } from "node:test";

import { shorten } from "../../rest/web/dom.js";
import { addressProblem, transactionHash } from "../../rest/web/wallet.js";
import { accountOf, eventually, freshAddress, newProfile, origin, rest, uait } from "./browser.mjs";
import { inBrowser } from "./scene.mjs";
import { User } from "./user.mjs";

inBrowser("a key is made and the faucet fills it", async ({ user }) => {
  const address = await user.makesKey();
  assert.equal(addressProblem(address), null);
  await user.seesBalance(0);
  const amount = await user.asksFaucet();
  await user.seesBalance(amount);
  assert.deepEqual(await accountOf(address), { balance: amount, nonce: 0 });
  await user.seesTransactions("Committed", 1);
});

inBrowser("a transfer reaches its recipient and costs its amount and fee", async ({ user }) => {
  const { address, balance } = await user.makesFundedKey();
  const to = freshAddress();
  await user.sends({ to, amount: "1.000001", memo: "für dich ✓" });
  await eventually(async () => (await accountOf(to)).balance === 1_000_001, "the recipient has the amount");
  const left = await accountOf(address);
  const { receipt } = await rest(`/rpc/getTx/${await user.hashOf(`To ${shorten(to)}`)}`);
  assert.deepEqual(left, { balance: balance - 1_000_001 - receipt.fee, nonce: 1 });
  await user.seesBalance(left.balance);
  await user.seesTransactions("Committed", 2);
});

inBrowser("several transfers sent without waiting are all committed", async ({ user }) => {
  const { address } = await user.makesFundedKey();
  const to = freshAddress();
  for (const amount of ["0.1", "0.2", "0.3", "0.4", "0.5"]) await user.sends({ to, amount });
  await eventually(async () => (await accountOf(to)).balance === 1_500_000, "the recipient has all five amounts");
  assert.equal((await accountOf(address)).nonce, 5);
  await user.seesTransactions("Committed", 6);
});

inBrowser("blocks and supply follow the chain live", async ({ user }) => {
  const first = await user.newestBlock();
  const later = await eventually(async () => {
    const height = await user.newestBlock();
    return height > first + 1 ? height : null;
  }, "new blocks appear");
  assert.ok((await rest("/rpc/getHead")).height >= later);
  const { genesis, bonds } = await rest("/rpc/getSupply");
  assert.equal(uait(await user.supplyOf("Genesis")), genesis);
  assert.equal(uait(await user.supplyOf("Bonded")), bonds);
});

test("the key, its balance and its transactions outlive the browser", async () => {
  const profile = await newProfile();
  try {
    const first = await profile.open();
    const user = new User(first.page);
    await user.visit();
    const { address, balance } = await user.makesFundedKey();
    await first.page.reload();
    assert.equal(await user.address(), address);
    await first.context.close();

    const second = await profile.open();
    const returning = new User(second.page);
    await returning.visit();
    assert.equal(await returning.address(), address);
    await returning.seesBalance(balance);
    await returning.seesTransactions("Committed", 1);
  } finally {
    await profile.remove();
  }
});

inBrowser("what cannot be sent is refused beside its field and changes nothing", async ({ user, seen }) => {
  const { address, balance } = await user.makesFundedKey();
  const to = freshAddress();
  const mistyped = to.slice(0, -1) + (to.endsWith("q") ? "p" : "q");
  for (const [field, transfer, reason] of [
    ["To", { to: mistyped, amount: "1" }, /checksum/],
    ["To", { to: "", amount: "1" }, /Enter/],
    ["To", { to: address, amount: "1" }, /your own/],
    ["Amount", { to, amount: "1000000" }, /More than your/],
    ["Amount", { to, amount: "0" }, /more than 0/],
    ["Amount", { to, amount: "0.0000001" }, /6 decimals/],
    ["Amount", { to, amount: "-1" }, /digits/],
    ["Memo", { to, amount: "1", memo: "é".repeat(129) }, /256 bytes; this one has 258/],
  ]) {
    await user.fillsTransfer(transfer);
    await user.pressesSend();
    await user.sendForm.getByText(reason).waitFor();
    const input = user.sendForm.getByLabel(field, { exact: field === "To" });
    assert.equal(await input.getAttribute("aria-invalid"), "true");
    assert.ok(await input.evaluate((node) => node === document.activeElement), `${field} has the focus`);
  }
  assert.equal(seen.sent, 0);
  assert.deepEqual(await accountOf(address), { balance, nonce: 0 });
  assert.equal(await user.balance(), balance);
});

inBrowser(
  "a refusal of the node is shown with its code, and changes nothing",
  async ({ user, page }) => {
    const { address, balance } = await user.makesFundedKey();
    // The page's own look at the balance is misled, so that the node has to refuse.
    await page.route("**/rpc/getAccount/**", async (route) => {
      const account = await (await route.fetch()).json();
      await route.fulfill({ json: { ...account, balance: Number.MAX_SAFE_INTEGER } });
    });
    await user.fillsTransfer({ to: freshAddress(), amount: "1000" });
    await user.pressesSend();
    await user.sendForm.getByText("(bank/insufficient_balance)").waitFor();
    assert.equal(await user.sendForm.getByLabel("Amount").inputValue(), "1000");
    assert.deepEqual(await accountOf(address), { balance, nonce: 0 });
  },
  { expectedErrors: [/status of 422/] },
);

inBrowser(
  "a transfer whose answer is lost is paid once",
  async ({ user, page }) => {
    const { address } = await user.makesFundedKey();
    const to = freshAddress();
    let lost = false;
    await page.route("**/rpc/sendTx?*", async (route) => {
      if (lost) return route.continue();
      lost = true;
      await route.fetch();
      return route.abort();
    });
    await user.fillsTransfer({ to, amount: "2" });
    await user.pressesSend();
    await user.seesTransactions("Committed", 2);
    await user.sends({ to, amount: "3" });
    await user.seesTransactions("Committed", 3);
    assert.equal((await accountOf(to)).balance, 5_000_000);
    assert.equal((await accountOf(address)).nonce, 2);
  },
  { expectedErrors: [/ERR_FAILED/] },
);

inBrowser(
  "a transfer that never reached the node is sent again",
  async ({ user, page }) => {
    const { address } = await user.makesFundedKey();
    const to = freshAddress();
    let dropped = false;
    await page.route("**/rpc/sendTx?*", (route) => {
      if (dropped) return route.continue();
      dropped = true;
      return route.abort();
    });
    await user.fillsTransfer({ to, amount: "2" });
    await user.pressesSend();
    await user.sendForm.getByText("No answer yet").waitFor();
    await user.seesTransactions("Committed", 2);
    assert.equal((await accountOf(to)).balance, 2_000_000);
    assert.equal((await accountOf(address)).nonce, 1);
  },
  { expectedErrors: [/ERR_FAILED/, /status of 404/] },
);

inBrowser("the account shows its stake, its bond and what unbonds", async ({ user, page }) => {
  // What another program than the page has to bring about.
  const unbonding = [
    { amount: 1_000_000, due_height: 7_000, kind: "bond" },
    { amount: 250_000, due_height: 8_000, kind: "stake" },
  ];
  await page.route("**/rpc/getAccount/**", async (route) => {
    const account = await (await route.fetch()).json();
    await route.fulfill({ json: { ...account, stake: 5_000_000, bond: 2_500_000, unbonding } });
  });
  await user.makesFundedKey();
  await eventually(async () => (await user.holding("Staked")) === "5 AIT", "the stake is shown");
  assert.equal(await user.holding("Bonded"), "2.5 AIT");
  assert.match(await user.holding("Unbonding"), /^1\.25 AIT\s+next in block 7\D?000$/u);
});

inBrowser(
  "a transaction that the node dropped is shown with the reason, and its nonce is used again",
  async (world) => {
    const { user, page } = world;
    const { address } = await user.makesFundedKey();
    const to = freshAddress();
    let dropped = null;
    await page.route("**/rpc/sendTx?*", async (route) => {
      if (dropped) return route.continue();
      dropped = await transactionHash(route.request().postDataJSON());
      return route.fulfill({ json: { txHash: dropped } });
    });
    const reason = { code: "pool_full", codespace: "auth", message: "others paid more" };
    await page.route("**/rpc/getTx/**", (route) => {
      if (!route.request().url().endsWith(dropped)) return route.continue();
      return route.fulfill({ json: { hash: dropped, status: "dropped", receipt: null, tx: null, reason } });
    });
    await user.sends({ to, amount: "2" });
    await user.seesActivity(`To ${shorten(to)}`, "Dropped", "others paid more (auth/pool_full)");
    await user.seesTransactions("Pending", 0);
    assert.equal((await accountOf(address)).nonce, 0);
    await user.sends({ to, amount: "3" });
    await eventually(async () => (await accountOf(to)).balance === 3_000_000, "the second one is paid");
    assert.equal((await accountOf(address)).nonce, 1);
  },
);

{
  const sockets = [];
  inBrowser(
    "the page says when it lost the feed, and comes back by itself",
    async ({ user }) => {
      const before = await user.newestBlock();
      await sockets.at(-1).close();
      await user.seesFeed("Reconnecting");
      await user.seesFeed("Live");
      await eventually(async () => (await user.newestBlock()) > before, "new blocks appear again");
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

{
  const told = { frozen: false };
  inBrowser(
    "a chain that stands still is said to, with the reason, and so is its end",
    async ({ user, page }) => {
      await eventually(async () => (await user.newestBlock()) > 2, "the blocks are shown");
      told.frozen = true;
      const frozenAt = Date.now();
      await user.seesFeed("No block since \\d\\d:\\d\\d:\\d\\d");
      await page.getByText("too few validators are heard of").waitFor();
      assert.ok(Date.now() - frozenAt < 30_000, "it took long to say so");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
      told.frozen = false;
      await user.seesFeed("Live");
      await page.getByText("too few validators are heard of").waitFor({ state: "hidden" });
    },
    {
      before: async ({ page }) => {
        let head = null;
        await page.routeWebSocket("**/p2p/ws", (socket) => {
          const server = socket.connectToServer();
          server.onMessage((message) => told.frozen || socket.send(message));
        });
        await page.route("**/rpc/getHead", async (route) => {
          const answer = await (await route.fetch()).json();
          head = told.frozen ? (head ?? answer) : answer;
          await route.fulfill({ json: head });
        });
        await page.route("**/health", async (route) => {
          if (!told.frozen) return route.continue();
          const answer = await (await route.fetch()).json();
          return route.fulfill({ status: 503, json: { ...answer, status: "stalled", reason: "no_quorum" } });
        });
      },
      expectedErrors: [/status of 503/],
      viewport: { width: 360, height: 740 },
    },
  );
}

inBrowser(
  "a node without a faucet offers none",
  async ({ user, page }) => {
    await user.makesKey();
    await eventually(async () => (await user.newestBlock()) > 0, "the blocks are shown");
    assert.equal(await page.getByRole("button", { name: /^Get .* AIT$/ }).count(), 0);
  },
  {
    before: ({ page }) =>
      page.route("**/health", async (route) => {
        const answer = await (await route.fetch()).json();
        await route.fulfill({ json: { ...answer, faucet: false } });
      }),
  },
);

inBrowser(
  "a node that says it is not ready is still shown with what it has",
  async ({ user }) => {
    await user.makesFundedKey();
    await eventually(async () => (await user.newestBlock()) > 0, "the blocks are shown");
  },
  {
    before: ({ page }) =>
      page.route("**/health", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ status: 503, json: { ...(await response.json()), status: "starting" } });
      }),
    expectedErrors: [/status of 503/],
  },
);

inBrowser("a new key replaces the old one only after asking", async ({ user, page }) => {
  const { address } = await user.makesFundedKey();
  await page.getByRole("button", { name: "New key…" }).click();
  await page.getByRole("dialog").getByText("will be lost for ever").waitFor();
  await page.getByRole("button", { name: "Keep this key" }).click();
  assert.equal(await user.address(), address);
  await page.getByRole("button", { name: "New key…" }).click();
  await page.keyboard.press("Escape");
  assert.equal(await user.address(), address);
  await page.getByRole("button", { name: "New key…" }).click();
  await page.getByRole("button", { name: "Replace it" }).click();
  await eventually(async () => (await user.address()) !== address, "the address is a new one");
  await user.seesBalance(0);
  await page.reload();
  assert.notEqual(await user.address(), address);
});

inBrowser(
  "a browser without Ed25519 is told so and still sees the chain",
  async ({ user, page }) => {
    await page.getByText("This browser has no Ed25519 in WebCrypto").waitFor();
    await eventually(async () => (await user.newestBlock()) > 0, "the blocks are shown");
    assert.ok(await user.sendForm.getByRole("button", { name: "Send" }).isDisabled());
  },
  {
    before: ({ page }) =>
      page.addInitScript(() => {
        crypto.subtle.generateKey = () => Promise.reject(new DOMException("no such algorithm", "NotSupportedError"));
      }),
  },
);

for (const colorScheme of ["light", "dark"]) {
  inBrowser(
    `everything fits a phone of 360 pixels, ${colorScheme}`,
    async ({ user, page }) => {
      await user.makesFundedKey();
      const jobId = await user.opensEscrow({ amount: "1" });
      await user.escrowOf(jobId, "Back to you");
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
    },
    { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, colorScheme },
  );
}

inBrowser("the page works by keyboard alone", async ({ user, page }) => {
  await page.getByRole("button", { name: "Make a key" }).focus();
  await page.keyboard.press("Enter");
  await user.address();
  const faucet = page.getByRole("button", { name: /^Get .* AIT$/ });
  await eventually(
    () => faucet.evaluate((node) => node === document.activeElement),
    "the faucet's button has the focus",
  );
  await page.keyboard.press("Enter");
  await eventually(async () => (await user.balance()) > 0, "the faucet filled the account");
  const to = freshAddress();
  await user.sendForm.getByLabel("To", { exact: true }).focus();
  await page.keyboard.type(to);
  await page.keyboard.press("Tab");
  await page.keyboard.type("0.25");
  await page.keyboard.press("Enter");
  await eventually(async () => (await accountOf(to)).balance === 250_000, "the recipient has the amount");
});

test("the page is served with a policy that lets nothing in from elsewhere", async () => {
  const policy = (await fetch(origin)).headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
});
