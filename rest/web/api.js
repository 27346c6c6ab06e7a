// The REST routes of PROTOCOL section 9 that the page uses, one method a route. Knows no page and no key.
// Types come from the API document (`npm run test:types` in tests/web): a field that no route answers, and a route
// that is not there, do not pass.

/** @typedef {import("ait-api").paths} Paths */
/** @typedef {import("ait-api").components["schemas"]} Schemas */
/** @typedef {Answer<"get", "/rpc/getAccount/{address}">} Account */
/** @typedef {Answer<"get", "/rpc/getBlock/{heightOrHash}">} Block */
/** @typedef {Answer<"get", "/rpc/getEscrow/{client}/{job_id}">} EscrowRecord */
/** @typedef {Answer<"get", "/health">} Health */
/** @typedef {Schemas["Intent"]} Intent what is to be sent: the type of a transaction and its payload */
/** @typedef {Answer<"get", "/rpc/getParams">} Params */
/** @typedef {Answer<"get", "/rpc/getReceipt/{miner}/{receipt_id}">} ReceiptRecord */
/** @typedef {Answer<"get", "/rpc/getSupply">} Supply */
/** @typedef {Schemas["Transaction"]} Transaction */
/** @typedef {Schemas["TxReceipt"]} TxReceipt */
/** @typedef {Answer<"get", "/rpc/getTx/{txHash}">} TxView */

/** @typedef {typeof import("./api.js")} Api */

/**
 * A route by its method and its path.
 * @template {"get" | "post"} M
 * @typedef {{ [P in keyof Paths]: Paths[P] extends Record<M, { responses: unknown }> ? P : never }[keyof Paths]} PathOf
 */

/**
 * What a route says about a request or its answers.
 * @template {"get" | "post"} M
 * @template {PathOf<M>} P
 * @typedef {NonNullable<Paths[P][M]>} Operation
 */

/**
 * The JSON that a route answers where all is well.
 * @template {"get" | "post"} M
 * @template {PathOf<M>} P
 * @typedef {Operation<M, P> extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never} Answer
 */

/**
 * The JSON that a route takes.
 * @template {PathOf<"post">} P
 * @typedef {Operation<"post", P> extends { requestBody: { content: { "application/json": infer B } } } ? B : never} Body
 */

/**
 * The parts of a path that are in braces, by their names.
 * @template {string} P
 * @typedef {P extends `${string}{${infer Name}}${infer Rest}` ? Record<Name, string | number> & PartsOf<Rest> : {}} PartsOf
 */

const TIMEOUT_MILLISECONDS = 15_000;

/** A refusal of the node: `{"error":{code,codespace,message}}` with its HTTP status. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {{ code: string, codespace: string, message: string }} error
   * @param {unknown} [answer]
   */
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

/**
 * What went wrong, in a line for people.
 * @param {unknown} error
 */
export function explanationOf(error) {
  if (error instanceof ApiError || error instanceof NodeUnreachable) return error.explanation;
  return error instanceof Error ? error.message : String(error);
}

/**
 * A route's path with its parts filled in.
 * @template {keyof Paths} P
 * @param {P} path
 * @param {PartsOf<P>} parts
 */
function fillIn(path, parts) {
  /** @type {Record<string, string | number>} */
  const named = parts;
  return path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(named[name]));
}

/**
 * @template {PathOf<"get">} P
 * @param {P} path
 * @param {PartsOf<P>} parts
 * @returns {Promise<Answer<"get", P>>}
 */
const get = (path, parts) => request("GET", fillIn(path, parts));

/**
 * @template {PathOf<"post">} P
 * @param {P} path
 * @param {Body<P>} body
 * @param {string} [query]
 * @returns {Promise<Answer<"post", P>>}
 */
const post = (path, body, query = "") => request("POST", `${path}${query}`, body);

/**
 * The JSON of a successful answer. Its type is the caller's: it names the route.
 * @template T
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<T>}
 */
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

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The error of an answer, which may be any JSON: a proxy's, for one.
 * @param {Partial<Schemas["Error"]> | null | undefined} answer
 * @param {Response} response
 */
function errorOf(answer, response) {
  /** @type {Partial<Schemas["ErrorDetail"]>} */
  const { code, codespace, message } = answer?.error ?? {};
  return {
    code: code ?? `http_${response.status}`,
    codespace: codespace ?? "",
    message: message ?? `The node answered ${response.status} ${response.statusText}`.trim(),
  };
}

/**
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T | null>}
 */
async function orNull(promise) {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}

/** How the node is, also as one that is not ready says it: it still serves what it has. */
export async function health() {
  try {
    return await get("/health", {});
  } catch (error) {
    const said = error instanceof ApiError ? /** @type {Partial<Health> | null | undefined} */ (error.answer) : null;
    if (said?.chain_id) return /** @type {Health} */ (said);
    throw error;
  }
}

/** The latest block, in short. */
export const getHead = () => get("/rpc/getHead", {});

/**
 * One block by height or hash, or null where the node has none such (any more).
 * @param {number | string} heightOrHash
 */
export const getBlock = (heightOrHash) => orNull(get("/rpc/getBlock/{heightOrHash}", { heightOrHash }));

/**
 * What an address has, in uait, and how far its transactions have come; zeros for one that was never seen.
 * @param {string} address
 */
export const getAccount = (address) => get("/rpc/getAccount/{address}", { address });

/**
 * A transaction and what became of it, or null for a hash the node does not know.
 * @param {string} txHash
 */
export const getTx = (txHash) => orNull(get("/rpc/getTx/{txHash}", { txHash }));

/**
 * An escrow, or null where there is none.
 * @param {string} client
 * @param {string} job_id
 */
export const getEscrow = (client, job_id) => orNull(get("/rpc/getEscrow/{client}/{job_id}", { client, job_id }));

/**
 * The path of a receipt's route: a miner names its receipts by itself.
 * @param {string} miner
 * @param {string} receipt_id
 */
export const receiptPath = (miner, receipt_id) => fillIn("/rpc/getReceipt/{miner}/{receipt_id}", { miner, receipt_id });

/**
 * A receipt, or null where the node knows none.
 * @param {string} miner
 * @param {string} receipt_id
 */
export const getReceipt = (miner, receipt_id) =>
  orNull(get("/rpc/getReceipt/{miner}/{receipt_id}", { miner, receipt_id }));

/** The supply and its parts, in uait. */
export const getSupply = () => get("/rpc/getSupply", {});

/** Every param by its name. */
export const getParams = () => get("/rpc/getParams", {});

/**
 * The fee in uait that the node takes for a transaction now: the required one, or more where its pool is full.
 * Without a sender it has every lasting record in it that the payload may make.
 * @param {Intent} intent
 * @param {string} [sender]
 */
export async function estimateFee(intent, sender) {
  const { fee, recommended } = await post("/rpc/estimateFee", { ...intent, sender });
  return Math.max(fee, recommended);
}

/**
 * Hands a signed transaction to the node, which answers once it has accepted it.
 * @param {Transaction} transaction
 */
export const sendTx = (transaction) => post("/rpc/sendTx", transaction, "?replace=false");

/**
 * Whether a devnet's coordinator knows a job; null where it does not say.
 * @param {{ client: string, job_id: string, amount: number }} escrow
 */
export async function knowsJob({ client, job_id, amount }) {
  const output_hash = `sha256:${"0".repeat(64)}`;
  // Asked for the facts alone, about nobody's work: nothing is signed.
  const facts = { job_id, client, miner: client, price: amount, compute_units: 1, output_hash };
  try {
    const { exists } = await post("/rpc/attest", facts);
    return exists ?? null;
  } catch {
    return null;
  }
}

/**
 * Asks the devnet's faucet for an amount of uait.
 * @param {string} address
 * @param {number} amount
 */
export const mintFaucet = (address, amount) => post("/admin/mintFaucet", { address, amount });
