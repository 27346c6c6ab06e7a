// The forms of a client's escrows: one that opens an escrow, and the dialogs that top one up and cancel one.

import { formatAit, groupDigits, parseAit } from "./amount.js";
import { announce, byId, setText, shorten } from "./dom.js";
import { Form } from "./form.js";
import { pay } from "./payment.js";

const OPEN = "ESCROW_OPEN";
const TOP_UP = "ESCROW_TOPUP";
const CANCEL = "ESCROW_CANCEL";
const LAST_JOB = 1_000_000;

function readJobId(text) {
  const jobId = text.trim();
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(jobId)) {
    throw new Error("1 to 64 of A–Z a–z 0–9 _ . - and no dot at its beginning.");
  }
  return jobId;
}

function readCoordinator(text) {
  if (text === "") throw new Error("Choose who attests the work.");
  return text;
}

function readAmount(text, least) {
  const amount = parseAit(text);
  if (amount < least) throw new Error(`An escrow has at least ${formatAit(least)} AIT.`);
  return amount;
}

function readLifetime(text, longest) {
  const digits = text.replace(/\s/gu, "");
  if (!/^\d{1,15}$/.test(digits) || Number(digits) < 1 || Number(digits) > longest) {
    throw new Error(`A whole number from 1 to ${groupDigits(longest)}.`);
  }
  return Number(digits);
}

const longestLifetime = ({ params }) => params?.escrow_max_ttl_blocks ?? Number.MAX_SAFE_INTEGER;

function fieldOfOpening({ code, message }) {
  if (/balance|amount|affordable|escrow_too_low/.test(code)) return "amount";
  if (/coordinator|bond/.test(code)) return "coordinator";
  if (/ttl/.test(code)) return "ttl_blocks";
  if (/escrow|opened/.test(code)) return "job_id";
  if (code !== "invalid_field" && code !== "invalid_address") return null;
  return ["job_id", "coordinator", "amount", "ttl_blocks"].find((name) => message.includes(`payload.${name}`));
}

function fieldOfTopUp({ code, message }) {
  if (/balance|amount|affordable/.test(code)) return "amount";
  // Only an extension asks for coordinators that may take new escrows.
  if (/ttl|coordinator|bond/.test(code)) return "ttl_blocks";
  return code === "invalid_field" ? ["amount", "ttl_blocks"].find((name) => message.includes(`payload.${name}`)) : null;
}

function freshJobId() {
  const [random] = crypto.getRandomValues(new Uint32Array(1));
  return `job_${1 + (random % LAST_JOB)}`;
}

/** Keeps the choice of coordinators in step with the params. */
function setUpCoordinators(select, hint, chain) {
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  chain.addEventListener("params", () => {
    const addresses = Object.keys(chain.params.coordinators ?? {});
    const chosen = addresses.includes(select.value) ? select.value : (addresses[0] ?? "");
    if (addresses.length === 0) select.replaceChildren(option("", "None registered"));
    else select.replaceChildren(...addresses.map((address) => option(address, shorten(address, 10, 6))));
    select.value = chosen;
    const usual = addresses.length === 0 ? "This chain has no coordinator yet." : "Attests the miner’s receipt.";
    hint.dataset.usual = usual;
    if (!select.hasAttribute("aria-invalid")) hint.textContent = usual;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

/** Wires up the form that opens an escrow; `session()` gives `{wallet, outbox, escrows}`. */
export function setUpEscrowForm({ api, chain, session }) {
  const form = new Form(byId("escrow-form"), {
    job_id: readJobId,
    coordinator: readCoordinator,
    amount: (text) => readAmount(text, chain.params?.min_escrow_amount ?? 1),
    ttl_blocks: (text) => readLifetime(text, longestLifetime(chain)),
  });
  const renewJobId = () => {
    form.input("job_id").value = freshJobId();
    form.refreshFee();
  };
  renewJobId();
  byId("renew-job").addEventListener("click", renewJobId);
  setUpCoordinators(form.input("coordinator"), byId("escrow-coordinator-hint"), chain);
  form.showFee(byId("escrow-fee"), (payload) => api.estimateFee(OPEN, payload, session()?.wallet.address));
  form.onSubmit(async (payload) => {
    const subject = `the escrow of ${formatAit(payload.amount)} AIT for ${payload.job_id}`;
    const { escrows } = session();
    const sent = await pay({ api, session: session(), form, type: OPEN, payload, subject, fieldOf: fieldOfOpening });
    if (!sent) return;
    escrows.add({ payload, hash: sent.hash });
    renewJobId();
  });
}

/** A dialog with a form about one escrow, which `payloadOf(jobId, values)` makes a transaction of. */
class EscrowDialog {
  #dialog;
  #form;
  #jobId = null;

  constructor({ id, readers, type, payloadOf, subjectOf, fieldOf, api, session }) {
    this.#dialog = byId(id);
    this.#form = new Form(byId(`${id}-form`), readers);
    this.#dialog.querySelector("[data-close]").addEventListener("click", () => this.#dialog.close());
    this.#form.showFee(byId(`${id}-fee`), async (values) => {
      if (this.#jobId === null) return null;
      return api.estimateFee(type, payloadOf(this.#jobId, values), session()?.wallet.address);
    });
    this.#form.onSubmit(async (values) => {
      const payload = payloadOf(this.#jobId, values);
      const subject = subjectOf(payload);
      const sent = await pay({ api, session: session(), form: this.#form, type, payload, subject, fieldOf });
      if (!sent) return;
      this.#dialog.close();
      announce(`Sent ${subject}.`);
    });
  }

  /** Opens the dialog for the escrow of a job, with its fields empty. */
  open(jobId) {
    this.#jobId = jobId;
    setText(byId(`${this.#dialog.id}-job`), jobId);
    this.#form.reset();
    this.#dialog.showModal();
  }
}

/** Wires up the dialogs of an escrow that is open; what opens each for a job: `{topUp(jobId), cancel(jobId)}`. */
export function setUpEscrowDialogs({ api, chain, session }) {
  const readExtension = (text) => (text.trim() === "" ? null : readLifetime(text, longestLifetime(chain)));
  const topUp = new EscrowDialog({
    id: "top-up",
    type: TOP_UP,
    readers: { amount: parseAit, ttl_blocks: readExtension },
    payloadOf: (job_id, { amount, ttl_blocks }) => {
      const payload = { client_addr: session().wallet.address, job_id, amount };
      return ttl_blocks === null ? payload : { ...payload, ttl_blocks };
    },
    subjectOf: ({ job_id, amount }) => `the top-up of ${formatAit(amount)} AIT for ${job_id}`,
    fieldOf: fieldOfTopUp,
    api,
    session,
  });
  const cancel = new EscrowDialog({
    id: "cancel-escrow",
    type: CANCEL,
    readers: {},
    payloadOf: (job_id) => ({ job_id }),
    subjectOf: ({ job_id }) => `the cancel for ${job_id}`,
    fieldOf: () => null,
    api,
    session,
  });
  const explainCancel = (jobId) => {
    const notice = groupDigits(chain.params?.cancel_notice_blocks ?? 0);
    const rest = formatAit(session().escrows.find(jobId)?.remaining ?? 0);
    const meaning = `It ends ${notice} blocks after that, and ${rest} AIT come back to you, unless a miner delivers first.`;
    setText(byId("cancel-escrow-meaning"), meaning);
  };
  return {
    topUp: (jobId) => topUp.open(jobId),
    cancel: (jobId) => {
      explainCancel(jobId);
      cancel.open(jobId);
    },
  };
}
