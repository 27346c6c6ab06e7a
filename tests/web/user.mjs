// What a user does on the page and sees there, in the user's words: by labels and roles, not by markup.

import { PATIENCE, eventually, origin, uait } from "./browser.mjs";

/** Somebody in front of the page. */
export class User {
  constructor(page) {
    this.page = page;
    this.sendForm = page.getByRole("region", { name: "Send" });
    this.escrowForm = page.getByRole("region", { name: "Open an escrow" });
    this.escrows = page.getByRole("region", { name: "Your escrows" });
    this.transactions = page.getByRole("region", { name: "Your transactions" });
    this.blocks = page.getByRole("region", { name: "Latest blocks" });
    this.supply = page.getByRole("region", { name: "Supply" });
  }

  async visit() {
    await this.page.goto(origin);
    await this.seesFeed("Live");
  }

  async makesKey() {
    await this.page.getByRole("button", { name: "Make a key" }).click();
    return this.address();
  }

  async address() {
    const address = this.page.getByRole("region", { name: "Account" }).getByText(/^ait1/);
    await address.waitFor();
    return address.textContent();
  }

  /** The balance shown, in uait; null while it is loading. */
  async balance() {
    const text = await this.page
      .getByText(/^[\d\s]+\.\d{6} AIT$/u)
      .first()
      .innerText();
    return uait(text);
  }

  async seesBalance(expected) {
    await eventually(async () => (await this.balance()) === expected, `the page shows a balance of ${expected} uait`);
  }

  async asksFaucet() {
    const button = this.page.getByRole("button", { name: /^Get .* AIT$/ });
    const amount = uait(await button.textContent());
    await button.click();
    return amount;
  }

  /** Makes a key and waits until the faucet has filled it; what it then holds. */
  async makesFundedKey() {
    const address = await this.makesKey();
    const balance = await this.asksFaucet();
    await this.seesBalance(balance);
    return { address, balance };
  }

  async fillsTransfer({ to, amount, memo = "" }) {
    await this.sendForm.getByLabel("To", { exact: true }).fill(to);
    await this.sendForm.getByLabel("Amount").fill(amount);
    await this.sendForm.getByLabel("Memo").fill(memo);
  }

  async pressesSend() {
    await this.sendForm.getByRole("button", { name: "Send" }).click();
  }

  /** Sends a transfer and waits until the page says that it was taken. */
  async sends(transfer) {
    await this.fillsTransfer(transfer);
    await this.pressesSend();
    await this.sendForm.getByText(`Sent ${transfer.amount} AIT to`).waitFor();
  }

  /** Opens an escrow and waits until the page says that it was taken; the job's id. */
  async opensEscrow({ amount }) {
    const jobId = await this.escrowForm.getByRole("textbox", { name: "Job" }).inputValue();
    await this.escrowForm.getByLabel("Amount").fill(amount);
    await this.escrowForm.getByRole("button", { name: "Open", exact: true }).click();
    await this.escrowForm.getByText(`for ${jobId}.`).waitFor();
    return jobId;
  }

  escrow(jobId) {
    return this.escrows.getByRole("listitem").filter({ hasText: jobId }).first();
  }

  /** A figure of the receipt of a job, once it has arrived. */
  async receiptOf(jobId, name) {
    const row = this.escrow(jobId)
      .locator("dl > div")
      .filter({ has: this.page.getByText(name, { exact: true }) });
    await row.waitFor({ timeout: PATIENCE });
    return row.locator("dd").innerText();
  }

  async seesTransactions(status, count) {
    const rows = this.transactions.getByRole("listitem").filter({ hasText: status });
    await eventually(async () => (await rows.count()) === count, `${count} transactions are ${status}`);
  }

  /** The hash of the account's latest transaction. */
  async latestHash() {
    const row = this.transactions.getByRole("listitem").first();
    return row.getByTitle(/^[0-9A-F]{64}$/).getAttribute("title");
  }

  async seesFeed(state) {
    await this.page
      .getByRole("status")
      .filter({ hasText: new RegExp(`^${state}$`) })
      .waitFor();
  }

  async newestBlock() {
    const row = this.blocks.getByRole("listitem").first();
    return Number((await row.getByText(/^#/).innerText()).replace(/\D/g, ""));
  }
}
