// What sending money has in common whichever form it starts from: can it be paid, was it taken, how to say so.

import { formatAit } from "./amount.js";
import { FieldError } from "./form.js";

async function assertAffordable({ api, wallet, type, payload }) {
  const fee = await api.estimateFee(type, payload);
  const { balance } = await api.getBalance(wallet.address);
  if (payload.amount + fee > balance) {
    throw new FieldError("amount", `More than your ${formatAit(balance)} AIT, its fee included.`);
  }
}

/**
 * Sends a payment of the session's account and tells under `form` how it went. `subject` says what is sent, and
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
