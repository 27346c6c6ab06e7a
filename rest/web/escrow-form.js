// The forms of a client's escrows: one that opens an escrow, and the dialogs that top one up and cancel one.

import { formatAit, groupDigits, parseAit } from "./amount.js";
import { announce, byId, ofKind, setText, shorten } from "./dom.js";
import { Form } from "./form.js";
import { opened, pay } from "./payment.js";

/** @typedef {import("./api.js").Intent} Intent */
/** @typedef {import("./api.js").Schemas} Schemas */
/** @typedef {import("./chain.js").Chain} Chain */
/** @typedef {import("./form.js").FieldOf} FieldOf */
/** @typedef {import("./form.js").Readers} Readers */

/**
 * What the forms need of the page.
 * @typedef {object} Page
 * @property {import("./payment.js").Api} api
 * @property {Chain} chain
 * @property {() => import("./payment.js").Session | null} session
 */

const LAST_JOB = 1_000_000;

/** @param {string} text */
function readJobId(text) {
  const jobId = text.trim();
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}$/.test(jobId)) {
    throw new Error("1 to 64 of A–Z a–z 0–9 _ . - and no dot at its beginning.");
  }
  return jobId;
}

/** @param {string} text */
function readCoordinator(text) {
  if (text === "") throw new Error("Choose who attests the work.");
  return text;
}

/**
 * @param {string} text
 * @param {number} least
 */
function readAmount(text, least) {
  const amount = parseAit(text);
  if (amount < least) throw new Error(`An escrow has at least ${formatAit(least)} AIT.`);
  return amount;
}

/**
 * @param {string} text
 * @param {number} longest
 */
function readLifetime(text, longest) {
  const digits = text.replace(/\s/gu, "");
  if (!/^\d{1,15}$/.test(digits) || Number(digits) < 1 || Number(digits) > longest) {
    throw new Error(`A whole number from 1 to ${groupDigits(longest)}.`);
  }
  return Number(digits);
}

/** @param {Chain} chain */
const longestLifetime = ({ params }) => params?.escrow_max_ttl_blocks ?? Number.MAX_SAFE_INTEGER;

/** @type {FieldOf} */
function fieldOfOpening({ code, message }) {
  if (/balance|amount|affordable|escrow_too_low/.test(code)) return "amount";
  if (/coordinator|bond/.test(code)) return "coordinator";
  if (/ttl/.test(code)) return "ttl_blocks";
  if (/escrow|opened/.test(code)) return "job_id";
  if (code !== "invalid_field" && code !== "invalid_address") return null;
  return ["job_id", "coordinator", "amount", "ttl_blocks"].find((name) => message.includes(`payload.${name}`));
}

/** @type {FieldOf} */
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

/**
 * Keeps the choice of coordinators in step with the params.
 * @param {HTMLSelectElement} select
 * @param {HTMLElement} hint
 * @param {Chain} chain
 */
function setUpCoordinators(select, hint, chain) {
  /**
   * @param {string} value
   * @param {string} textContent
   */
  const option = (value, textContent) => Object.assign(document.createElement("option"), { value, textContent });
  chain.addEventListener("params", () => {
    const addresses = Object.keys(chain.params?.coordinators ?? {});
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

/**
 * @param {Schemas["EscrowOpen"]} payload
 * @returns {Intent}
 */
const openingOf = (payload) => ({ type: "ESCROW_OPEN", payload });

/**
 * Wires up the form that opens an escrow.
 * @param {Page} page
 */
export function setUpEscrowForm({ api, chain, session }) {
  const form = new Form("escrow-form", {
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
  setUpCoordinators(ofKind(HTMLSelectElement, form.input("coordinator")), byId("escrow-coordinator-hint"), chain);
  form.showFee(byId("escrow-fee"), (payload) => api.estimateFee(openingOf(payload), session()?.wallet.address));
  form.onSubmit(async (payload) => {
    const subject = `the escrow of ${formatAit(payload.amount)} AIT for ${payload.job_id}`;
    const current = session();
    const intent = openingOf(payload);
    const sent = await pay({ api, session: current, form, intent, subject, fieldOf: fieldOfOpening });
    if (!sent) return;
    current?.escrows.add({ payload, hash: sent.hash });
    renewJobId();
  });
}

/**
 * A dialog with a form about one escrow.
 * @template {Readers} R
 */
class EscrowDialog {
  #dialog;
  #form;
  /** @type {string | null} */
  #jobId = null;

  /**
   * @param {object} parts
   * @param {string} parts.id
   * @param {R} parts.readers
   * @param {(jobId: string, values: import("./form.js").Values<R>) => Intent} parts.intentOf
   * @param {(jobId: string, values: import("./form.js").Values<R>) => string} parts.subjectOf
   * @param {FieldOf} parts.fieldOf
   * @param {Page["api"]} parts.api
   * @param {Page["session"]} parts.session
   */
  constructor({ id, readers, intentOf, subjectOf, fieldOf, api, session }) {
    this.#dialog = ofKind(HTMLDialogElement, byId(id));
    this.#form = new Form(`${id}-form`, readers);
    const close = ofKind(HTMLElement, this.#dialog.querySelector("[data-close]"), `${id} [data-close]`);
    close.addEventListener("click", () => this.#dialog.close());
    this.#form.showFee(byId(`${id}-fee`), async (values) => {
      if (this.#jobId === null) return null;
      return api.estimateFee(intentOf(this.#jobId, values), session()?.wallet.address);
    });
    this.#form.onSubmit(async (values) => {
      if (this.#jobId === null) return;
      const intent = intentOf(this.#jobId, values);
      const subject = subjectOf(this.#jobId, values);
      const sent = await pay({ api, session: session(), form: this.#form, intent, subject, fieldOf });
      if (!sent) return;
      this.#dialog.close();
      announce(`Sent ${subject}.`);
    });
  }

  /**
   * Opens the dialog for the escrow of a job, with its fields empty.
   * @param {string} jobId
   */
  open(jobId) {
    this.#jobId = jobId;
    setText(byId(`${this.#dialog.id}-job`), jobId);
    this.#form.reset();
    this.#dialog.showModal();
  }
}

/**
 * Wires up the dialogs of an escrow that is open; gives what opens each for a job.
 * @param {Page} page
 */
export function setUpEscrowDialogs({ api, chain, session }) {
  /** @param {string} text */
  const readExtension = (text) => (text.trim() === "" ? null : readLifetime(text, longestLifetime(chain)));
  const topUp = new EscrowDialog({
    id: "top-up",
    readers: { amount: parseAit, ttl_blocks: readExtension },
    intentOf: (job_id, { amount, ttl_blocks }) => {
      const payload = { client_addr: opened(session()).wallet.address, job_id, amount };
      return { type: "ESCROW_TOPUP", payload: ttl_blocks === null ? payload : { ...payload, ttl_blocks } };
    },
    subjectOf: (jobId, { amount }) => `the top-up of ${formatAit(amount)} AIT for ${jobId}`,
    fieldOf: fieldOfTopUp,
    api,
    session,
  });
  const cancel = new EscrowDialog({
    id: "cancel-escrow",
    readers: {},
    intentOf: (job_id) => ({ type: "ESCROW_CANCEL", payload: { job_id } }),
    subjectOf: (jobId) => `the cancel for ${jobId}`,
    fieldOf: () => null,
    api,
    session,
  });
  /** @param {string} jobId */
  const explainCancel = (jobId) => {
    const notice = groupDigits(chain.params?.cancel_notice_blocks ?? 0);
    const rest = formatAit(session()?.escrows.find(jobId)?.remaining ?? 0);
    const meaning = `It ends ${notice} blocks after that, and ${rest} AIT come back to you, unless a miner delivers first.`;
    setText(byId("cancel-escrow-meaning"), meaning);
  };
  return {
    /** @param {string} jobId */
    topUp: (jobId) => topUp.open(jobId),
    /** @param {string} jobId */
    cancel: (jobId) => {
      explainCancel(jobId);
      cancel.open(jobId);
    },
  };
}
