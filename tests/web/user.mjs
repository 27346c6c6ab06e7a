// What a user does on the page and sees there, in the user's words: by labels and roles, not by markup.

import { PATIENCE, eventually, origin, uait } from "./browser.mjs";

/** Somebody in front of the page. */
export class User {
  constructor(page) {
    this.page = page;
    this.account = page.getByRole("region", { name: "Account" });
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
    const address = this.account.getByText(/^ait1/);
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

  /** Opens an escrow, for the job that the page proposes where none is named, and waits until the page says that it
   * was taken; the job's id. */
  async opensEscrow({ amount, jobId: named, lifetime }) {
    const job = this.escrowForm.getByRole("textbox", { name: "Job" });
    if (named) await job.fill(named);
    const jobId = await job.inputValue();
    await this.escrowForm.getByLabel("Amount").fill(amount);
    if (lifetime) await this.escrowForm.getByLabel("Expires after").fill(lifetime);
    await this.escrowForm.getByRole("button", { name: "Open", exact: true }).click();
    await this.escrowForm.getByText(`for ${jobId}.`).waitFor();
    return jobId;
  }

  /** Tops an open escrow up in its dialog, and waits until that closes. */
  async topsUp(jobId, { amount, lifetime = "" }) {
    await this.escrow(jobId)
      .getByRole("button", { name: `Top up ${jobId}` })
      .click();
    const dialog = this.page.getByRole("dialog", { name: `Top up ${jobId}` });
    await dialog.getByLabel("Amount").fill(amount);
    await dialog.getByLabel("Expires after").fill(lifetime);
    await dialog.getByRole("button", { name: "Top up" }).click();
    await dialog.waitFor({ state: "hidden" });
  }

  /** Cancels an open escrow in its dialog, and waits until that closes. */
  async cancels(jobId) {
    await this.escrow(jobId)
      .getByRole("button", { name: `Cancel ${jobId}` })
      .click();
    const dialog = this.page.getByRole("dialog", { name: `Cancel ${jobId}?` });
    await dialog.getByRole("button", { name: "Cancel it" }).click();
    await dialog.waitFor({ state: "hidden" });
  }

  escrow(jobId) {
    return this.escrows.getByRole("listitem").filter({ hasText: jobId }).first();
  }

  /** What stands beside a name in a list of names and values, once it is there. */
  async #valueIn(place, name) {
    const row = place.locator("dl > div").filter({ has: this.page.getByText(name, { exact: true }) });
    await row.waitFor({ timeout: PATIENCE });
    return row.locator("dd").innerText();
  }

  /** A figure of the escrow of a job, or of its receipt once that has arrived. */
  escrowOf(jobId, name) {
    return this.#valueIn(this.escrow(jobId), name);
  }

  /** A figure of the account. */
  holding(name) {
    return this.#valueIn(this.account, name);
  }

  /** A figure of the supply. */
  supplyOf(name) {
    return this.#valueIn(this.supply, name);
  }

  /** The row of the account's transactions and news that has a title. */
  activity(title) {
    return this.transactions.getByRole("listitem").filter({ has: this.page.getByText(title, { exact: true }) });
  }

  /** Waits for a row with a title, a status and a text that tells its outcome. */
  async seesActivity(title, status, outcome) {
    const row = this.activity(title).filter({ has: this.page.getByText(status, { exact: true }) });
    await row.filter({ hasText: outcome }).waitFor({ timeout: PATIENCE });
  }

  async seesTransactions(status, count) {
    const rows = this.transactions.getByRole("listitem").filter({ hasText: status });
    await eventually(async () => (await rows.count()) === count, `${count} transactions are ${status}`);
  }

  /** The hash of the account's transaction that has a title. */
  async hashOf(title) {
    const row = this.activity(title).first();
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
