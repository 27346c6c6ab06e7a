// What sending from a form has in common whichever form it is: can it be paid, was it taken, how to say so.

import { formatAit } from "./amount.js";
import { FieldError } from "./form.js";

/** @typedef {import("./api.js").Intent} Intent */
/** @typedef {import("./outbox.js").Outbox} Outbox */
/** @typedef {Pick<import("./api.js").Api, "estimateFee" | "getAccount">} Api */

/**
 * The account on the chain.
 * @typedef {object} Session
 * @property {import("./wallet.js").Wallet} wallet
 * @property {Outbox} outbox
 * @property {import("./escrows.js").EscrowBook} escrows
 */

/**
 * The session that a form needs, which is closed until there is one.
 * @param {Session | null} session
 */
export function opened(session) {
  if (session) return session;
  throw new Error("The node does not answer yet.");
}

/**
 * @param {Api} api
 * @param {Intent} intent
 * @param {string} sender
 */
async function assertAffordable(api, intent, sender) {
  const fee = await api.estimateFee(intent, sender);
  const { balance } = await api.getAccount(sender);
  const { payload } = intent;
  const amount = "amount" in payload && typeof payload.amount === "number" ? payload.amount : 0;
  if (amount + fee <= balance) return;
  if (amount === 0) throw new Error(`Its fee of ${formatAit(fee)} AIT is more than your ${formatAit(balance)} AIT.`);
  throw new FieldError("amount", `More than your ${formatAit(balance)} AIT, its fee included.`);
}

/**
 * Sends a transaction of the session's account and tells under `form` how it went.
 * Resolves to the outbox's record, or null where it was refused.
 * @param {object} payment
 * @param {Api} payment.api
 * @param {Session | null} payment.session
 * @param {Pick<import("./form.js").Form<import("./form.js").Readers>, "setNote" | "showFailure">} payment.form
 * @param {Intent} payment.intent
 * @param {string} payment.subject what is sent, in words
 * @param {import("./form.js").FieldOf} payment.fieldOf
 */
export async function pay({ api, session, form, intent, subject, fieldOf }) {
  try {
    const { wallet, outbox } = opened(session);
    await assertAffordable(api, intent, wallet.address);
    const record = await outbox.submit(intent);
    const taken = record.status !== "sending";
    const note = taken ? `Sent ${subject}.` : `No answer yet: ${subject} will be sent again until there is one.`;
    form.setNote(note, taken ? "good" : "bad");
    return record;
  } catch (error) {
    form.showFailure(error, fieldOf);
    return null;
  }
}
