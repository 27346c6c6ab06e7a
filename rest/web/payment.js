// What sending from a form has in common whichever form it is: can it be paid, was it taken, how to say so.

import { formatAit } from "./amount.js";
import { FieldError } from "./form.js";

async function assertAffordable({ api, wallet, type, payload }) {
  const fee = await api.estimateFee(type, payload, wallet.address);
  const { balance } = await api.getAccount(wallet.address);
  const { amount = 0 } = payload;
  if (amount + fee <= balance) return;
  if (amount === 0) throw new Error(`Its fee of ${formatAit(fee)} AIT is more than your ${formatAit(balance)} AIT.`);
  throw new FieldError("amount", `More than your ${formatAit(balance)} AIT, its fee included.`);
}

/**
 * Sends a transaction of the session's account and tells under `form` how it went. `subject` says what is sent, and
 * `fieldOf` which field an ApiError concerns. Resolves to the outbox's record, or null where it was refused.
 */
export async function pay({ api, session, form, type, payload, subject, fieldOf }) {
  const { wallet, outbox } = session;
  try {
    await assertAffordable({ api, wallet, type, payload });
    const record = await outbox.submit({ type, payload });
    const taken = record.status !== "sending";
    const note = taken ? `Sent ${subject}.` : `No answer yet: ${subject} will be sent again until there is one.`;
    form.setNote(note, taken ? "good" : "bad");
    return record;
  } catch (error) {
    form.showFailure(error, fieldOf);
    return null;
  }
}
