// The form that opens an ESCROW_OPEN: a job for a miner, paid out of what is locked here.

import { formatAit, groupDigits, parseAit } from "./amount.js";
import { byId, shorten } from "./dom.js";
import { Form } from "./form.js";
import { pay } from "./payment.js";

const TYPE = "ESCROW_OPEN";
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

function readLifetime(text, longest) {
  const digits = text.replace(/\s/gu, "");
  if (!/^\d{1,15}$/.test(digits) || Number(digits) < 1 || Number(digits) > longest) {
    throw new Error(`A whole number from 1 to ${groupDigits(longest)}.`);
  }
  return Number(digits);
}

function fieldOf({ code, message }) {
  if (/balance|amount|affordable/.test(code)) return "amount";
  if (/coordinator/.test(code)) return "coordinator";
  if (/ttl/.test(code)) return "ttl_blocks";
  if (/escrow/.test(code)) return "job_id";
  if (code !== "invalid_field" && code !== "invalid_address") return null;
  return ["job_id", "coordinator", "amount", "ttl_blocks"].find((name) => message.includes(`payload.${name}`));
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

/** Wires the form up; `session()` gives `{wallet, outbox, escrows}`. */
export function setUpEscrowForm({ api, chain, session }) {
  const longest = () => chain.params?.escrow_max_ttl_blocks ?? Number.MAX_SAFE_INTEGER;
  const form = new Form(byId("escrow-form"), {
    job_id: readJobId,
    coordinator: readCoordinator,
    amount: parseAit,
    ttl_blocks: (text) => readLifetime(text, longest()),
  });
  const renewJobId = () => {
    form.input("job_id").value = freshJobId();
    form.refreshFee();
  };
  renewJobId();
  byId("renew-job").addEventListener("click", renewJobId);
  setUpCoordinators(form.input("coordinator"), byId("escrow-coordinator-hint"), chain);
  form.showFee(byId("escrow-fee"), (payload) => api.estimateFee(TYPE, payload));
  form.onSubmit(async (payload) => {
    const subject = `the escrow of ${formatAit(payload.amount)} AIT for ${payload.job_id}`;
    const { escrows } = session();
    const height = chain.height;
    const sent = await pay({ api, session: session(), form, type: TYPE, payload, subject, fieldOf });
    if (!sent) return;
    escrows.add({ payload, hash: sent.hash, height });
    renewJobId();
  });
}
