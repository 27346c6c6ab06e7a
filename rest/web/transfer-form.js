// The form that sends a TRANSFER.

import { formatAit, parseAit } from "./amount.js";
import { byId, shorten } from "./dom.js";
import { Form } from "./form.js";
import { pay } from "./payment.js";
import { MAX_MEMO_BYTES, addressProblem } from "./wallet.js";

const TYPE = "TRANSFER";

function readRecipient(text) {
  const address = text.trim();
  if (address === "") throw new Error("Enter the recipient's address.");
  const problem = addressProblem(address);
  if (problem) throw new Error(`Not an address: ${problem}.`);
  return address;
}

function readMemo(text) {
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_MEMO_BYTES) throw new Error(`A memo has at most ${MAX_MEMO_BYTES} bytes; this one has ${length}.`);
  return text;
}

function fieldOf({ code, message }) {
  if (/balance|amount|affordable/.test(code)) return "amount";
  if (/address|self_transfer/.test(code)) return "to";
  if (code === "invalid_field") return ["memo", "amount", "to"].find((name) => message.includes(`payload.${name}`));
  return null;
}

const payloadOf = ({ to, amount, memo }) => (memo === "" ? { to, amount } : { to, amount, memo });

/** Wires the form up; `session()` gives `{wallet, outbox}`. */
export function setUpTransferForm({ api, session }) {
  const readOthersAddress = (text) => {
    const address = readRecipient(text);
    if (address === session()?.wallet.address) throw new Error("This is your own address.");
    return address;
  };
  const form = new Form(byId("transfer-form"), { to: readOthersAddress, amount: parseAit, memo: readMemo });
  form.showFee(byId("transfer-fee"), (values) => api.estimateFee(TYPE, payloadOf(values), session()?.wallet.address));
  form.onSubmit(async (values) => {
    const subject = `${formatAit(values.amount)} AIT to ${shorten(values.to)}`;
    const payload = payloadOf(values);
    const sent = await pay({ api, session: session(), form, type: TYPE, payload, subject, fieldOf });
    if (sent) form.clear("amount", "memo");
  });
}
