// The card of the account: making and replacing the key, address, balance, what else is the account's, faucet.

import { formatAit, groupDigits, splitAit } from "./amount.js";
import { explanationOf } from "./api.js";
import { announce, byId, copyOnClick, ofKind, setText, shorten } from "./dom.js";
import { KeysUnavailable } from "./keystore.js";

/** What one press of the faucet's button asks for, in uait. */
const FAUCET_AMOUNT = 100_000_000;

/** @typedef {import("./api.js").Account} Account */
/** @typedef {Pick<Account, "escrows" | "stake" | "bond" | "unbonding">} Holdings */

/**
 * Holdings of an account that has none.
 * @type {Holdings}
 */
const NOTHING = { escrows: { open: 0, locked: 0 }, stake: 0, bond: 0, unbonding: [] };

/** @param {Holdings} holdings */
function showHoldings({ escrows, stake, bond, unbonding }) {
  const amounts = unbonding.map(({ amount }) => amount);
  const heights = unbonding.map(({ due_height }) => due_height);
  setText(byId("holding-escrows"), formatAit(escrows.locked));
  setText(byId("holding-escrows-note"), escrows.open > 0 ? `in ${groupDigits(escrows.open)} open` : "");
  setText(byId("holding-stake"), formatAit(stake));
  setText(byId("holding-bond"), formatAit(bond));
  setText(byId("holding-unbonding"), formatAit(amounts.reduce((sum, amount) => sum + amount, 0)));
  const next = `${heights.length > 1 ? "next in" : "in"} block ${groupDigits(Math.min(...heights))}`;
  setText(byId("holding-unbonding-note"), heights.length > 0 ? next : "");
}

/**
 * The card's requests: `onMakeKey` resolves once the new key is in use, `onFaucet` once the amount was granted.
 * @typedef {{ onMakeKey: (replacing: boolean) => Promise<void>, onFaucet: (amount: number) => Promise<void> }} Requests
 */

/** The card. */
export class AccountPanel {
  #card = byId("account");
  #address = "";
  /** @type {Account | null} */
  #account = null;

  /** @param {Requests} requests */
  constructor({ onMakeKey, onFaucet }) {
    copyOnClick(byId("copy-address"), () => this.#address);
    setText(byId("faucet"), `Get ${formatAit(FAUCET_AMOUNT)} AIT`);
    this.#onPress("make-key", "Making…", () => onMakeKey(false));
    this.#onPress("faucet", "Asking…", async () => {
      await onFaucet(FAUCET_AMOUNT);
      this.#setNote(`The faucet sends you ${formatAit(FAUCET_AMOUNT)} AIT.`);
    });
    this.#setUpReplacement(onMakeKey);
  }

  /**
   * Shows the faucet's button, or takes it away where the node has no faucet for this page.
   * @param {boolean} isThere
   */
  showFaucet(isThere) {
    byId("faucet").hidden = !isThere;
  }

  /**
   * Shows that there is no key yet, or why there can be none.
   * @param {string | null} [problem]
   */
  showNoKey(problem = null) {
    this.#card.dataset.state = problem ? "unsupported" : "empty";
    setText(byId("key-problem"), problem ?? "");
  }

  /**
   * Shows an address; its balance follows.
   * @param {string} address
   */
  showAddress(address) {
    this.#address = address;
    this.#account = null;
    this.#card.dataset.state = "ready";
    this.#card.dataset.loading = "";
    setText(byId("address"), address);
    setText(byId("balance-whole"), "0");
    setText(byId("balance-fraction"), ".000000");
    setText(byId("nonce"), "0");
    showHoldings(NOTHING);
    this.#setNote("");
  }

  /**
   * Shows `getAccount`'s answer.
   * @param {Account} account
   */
  showAccount(account) {
    const { whole, fraction } = splitAit(account.balance);
    delete this.#card.dataset.loading;
    setText(byId("balance-whole"), whole);
    setText(byId("balance-fraction"), `.${fraction}`);
    setText(byId("nonce"), account.nonce);
    showHoldings(account);
    const before = this.#account?.balance;
    this.#account = account;
    if (before === undefined || before === account.balance) return;
    announce(`Your balance is ${formatAit(account.balance)} AIT.`);
    // Taking the mark off and putting it on again restarts the animation.
    byId("balance").classList.remove("changed");
    requestAnimationFrame(() => byId("balance").classList.add("changed"));
  }

  /** @param {Requests["onMakeKey"]} onMakeKey */
  #setUpReplacement(onMakeKey) {
    const dialog = ofKind(HTMLDialogElement, byId("replace-key"));
    byId("new-key").addEventListener("click", () => {
      const holding = this.#account ? ` and the ${formatAit(this.#account.balance)} AIT it holds` : "";
      setText(
        byId("replace-key-loss"),
        `The key of ${shorten(this.#address)}${holding} will be lost for ever. No copy of it exists.`,
      );
      dialog.showModal();
    });
    dialog.addEventListener("close", async () => {
      if (dialog.returnValue !== "replace") return;
      dialog.returnValue = "";
      await this.#attempt(() => onMakeKey(true));
      byId("new-key").focus();
    });
  }

  /**
   * @param {string} id
   * @param {string} busyLabel
   * @param {() => Promise<void>} work
   */
  #onPress(id, busyLabel, work) {
    const button = byId(id);
    const label = button.textContent ?? "";
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      button.setAttribute("aria-disabled", "true");
      setText(button, busyLabel);
      await this.#attempt(work);
      setText(button, label);
      button.removeAttribute("aria-disabled");
    });
  }

  /** @param {() => Promise<void>} work */
  async #attempt(work) {
    this.#setNote("");
    try {
      await work();
    } catch (error) {
      if (error instanceof KeysUnavailable && this.#address === "") this.showNoKey(error.message);
      else this.#setNote(explanationOf(error), "bad");
    }
  }

  /**
   * @param {string} text
   * @param {"good" | "bad"} [tone]
   */
  #setNote(text, tone = "good") {
    setText(byId("account-note"), text);
    byId("account-note").dataset.tone = tone;
  }
}
