// The REST routes of PROTOCOL section 9 that the page uses, one method a route. Knows no page and no key.

const TIMEOUT_MILLISECONDS = 15_000;

/** A refusal of the node: `{"error":{code,codespace,message}}` with its HTTP status. */
export class ApiError extends Error {
  constructor(status, { code, codespace, message }, answer) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.codespace = codespace;
    /** The JSON the node sent along, if any. */
    this.answer = answer;
  }

  /** True where the node may have acted although it answered with a failure of its own. */
  get isUncertain() {
    return this.status >= 500;
  }

  /** The refusal in one line: what is wrong, and its code. */
  get explanation() {
    return `${this.message} (${[this.codespace, this.code].filter(Boolean).join("/")})`;
  }
}

/** No answer at all: the node is away, or the network is. */
export class NodeUnreachable extends Error {
  constructor() {
    super("The node does not answer.");
    this.name = "NodeUnreachable";
  }

  get isUncertain() {
    return true;
  }

  get explanation() {
    return this.message;
  }
}

async function request(method, path, body) {
  let response;
  let text;
  try {
    response = await fetch(path, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS),
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new NodeUnreachable();
  }
  const answer = parse(text);
  if (response.ok && answer !== undefined) return answer;
  throw new ApiError(response.status, errorOf(answer, response), answer);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function errorOf(answer, response) {
  const { code, codespace, message } = answer?.error ?? {};
  return {
    code: code ?? `http_${response.status}`,
    codespace: codespace ?? "",
    message: message ?? `The node answered ${response.status} ${response.statusText}`.trim(),
  };
}

async function orNull(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

const segment = encodeURIComponent;

/** `{status, reason, chain_id, height, last_block_age_seconds, devnet, faucet}`, also of a node that says it is not ready: it still serves what it has. */
export async function health() {
  try {
    return await request("GET", "/health");
  } catch (error) {
    if (error.answer?.chain_id) return error.answer;
    throw error;
  }
}

/** `{height, hash, timestamp, stateRoot}` of the latest block. */
export const getHead = () => request("GET", "/rpc/getHead");

/** One block by height or hash, or null where the node has none such (any more). */
export const getBlock = (heightOrHash) => orNull(request("GET", `/rpc/getBlock/${segment(heightOrHash)}`));

/**
 * What an address has, in uait, and how far its transactions have come: `{balance, nonce, next_nonce, stake, bond,
 * unbonding: [{amount, due_height, kind}], escrows: {open, locked}, …}`; zeros for one that was never seen.
 */
export const getAccount = (address) => request("GET", `/rpc/getAccount/${segment(address)}`);

/** `{status, receipt, tx, reason}`, or null for a hash the node does not know. */
export const getTx = (hash) => orNull(request("GET", `/rpc/getTx/${segment(hash)}`));

/** An escrow, or null where there is none. */
export const getEscrow = (client, jobId) =>
  orNull(request("GET", `/rpc/getEscrow/${segment(client)}/${segment(jobId)}`));

/** The path of a receipt's route: a miner names its receipts by itself. */
export const receiptPath = (miner, receiptId) => `/rpc/getReceipt/${segment(miner)}/${segment(receiptId)}`;

/** A receipt, or null where the node knows none. */
export const getReceipt = (miner, receiptId) => orNull(request("GET", receiptPath(miner, receiptId)));

/** The supply and its parts, in uait. */
export const getSupply = () => request("GET", "/rpc/getSupply");

/** Every param by its name. */
export const getParams = () => request("GET", "/rpc/getParams");

/**
 * The fee in uait that the node takes for a transaction now: the required one, or more where its pool is full.
 * Without a sender it has every lasting record in it that the payload may make.
 */
export async function estimateFee(type, payload, sender) {
  const { fee, recommended } = await request("POST", "/rpc/estimateFee", { type, payload, sender });
  return Math.max(fee, recommended);
}

/** Hands a signed transaction to the node; answers `{txHash}` once it was accepted. */
export const sendTx = (transaction) => request("POST", "/rpc/sendTx?replace=false", transaction);

/** Whether a devnet's coordinator knows a job; null where it does not say. */
export async function knowsJob({ client, job_id, amount }) {
  const output_hash = `sha256:${"0".repeat(64)}`;
  // Asked for the facts alone, about nobody's work: nothing is signed.
  const facts = { job_id, client, miner: client, price: amount, compute_units: 1, output_hash };
  try {
    const { exists } = await request("POST", "/rpc/attest", facts);
    return exists ?? null;
  } catch {
    return null;
  }
}

/** Asks the devnet's faucet for an amount of uait. */
export const mintFaucet = (address, amount) => request("POST", "/admin/mintFaucet", { address, amount });
