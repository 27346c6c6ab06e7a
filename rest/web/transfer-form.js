// The form that sends a TRANSFER.

import { formatAit, parseAit } from "./amount.js";
import { byId, shorten } from "./dom.js";
import { Form } from "./form.js";
import { pay } from "./payment.js";
import { MAX_MEMO_BYTES, addressProblem } from "./wallet.js";

/** @typedef {import("./payment.js").Session} Session */

/** @param {string} text */
function readRecipient(text) {
  const address = text.trim();
  if (address === "") throw new Error("Enter the recipient's address.");
  const problem = addressProblem(address);
  if (problem) throw new Error(`Not an address: ${problem}.`);
  return address;
}

/** @param {string} text */
function readMemo(text) {
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_MEMO_BYTES) throw new Error(`A memo has at most ${MAX_MEMO_BYTES} bytes; this one has ${length}.`);
  return text;
}

/** @type {import("./form.js").FieldOf} */
function fieldOf({ code, message }) {
  if (/balance|amount|affordable/.test(code)) return "amount";
  if (/address|self_transfer/.test(code)) return "to";
  if (code === "invalid_field") return ["memo", "amount", "to"].find((name) => message.includes(`payload.${name}`));
  return null;
}

/**
 * @param {{ to: string, amount: number, memo: string }} values
 * @returns {import("./api.js").Intent}
 */
const intentOf = ({ to, amount, memo }) => ({
  type: "TRANSFER",
  payload: memo === "" ? { to, amount } : { to, amount, memo },
});

/**
 * Wires the form up.
 * @param {{ api: import("./payment.js").Api, session: () => Session | null }} page
 */
export function setUpTransferForm({ api, session }) {
  /** @param {string} text */
  const readOthersAddress = (text) => {
    const address = readRecipient(text);
    if (address === session()?.wallet.address) throw new Error("This is your own address.");
    return address;
  };
  const form = new Form("transfer-form", { to: readOthersAddress, amount: parseAit, memo: readMemo });
  form.showFee(byId("transfer-fee"), (values) => api.estimateFee(intentOf(values), session()?.wallet.address));
  form.onSubmit(async (values) => {
    const subject = `${formatAit(values.amount)} AIT to ${shorten(values.to)}`;
    const sent = await pay({ api, session: session(), form, intent: intentOf(values), subject, fieldOf });
    if (sent) form.clear("amount", "memo");
  });
}
