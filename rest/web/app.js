// Starts the page and joins its parts: the key, the chain, the live feed and the panels that show them.

import { AccountPanel } from "./account-panel.js";
import { showActivity, tell } from "./activity-panel.js";
import { isAnotherChain, recognize } from "./anchor.js";
import * as api from "./api.js";
import { showBlocks, showBlocksLoading, showChainId, showFeedState, showNotice, showSupply } from "./chain-panel.js";
import { Chain } from "./chain.js";
import { announce, byId, ofKind } from "./dom.js";
import { setUpEscrowDialogs, setUpEscrowForm } from "./escrow-form.js";
import { showEscrows } from "./escrow-panel.js";
import { EscrowBook } from "./escrows.js";
import { succeeded, transactionOf } from "./events.js";
import * as keystore from "./keystore.js";
import { LiveFeed } from "./live.js";
import { Outbox } from "./outbox.js";
import { RecordList } from "./records.js";
import { explainStall, isSilent } from "./silence.js";
import { coalesce, pause } from "./timing.js";
import { setUpTransferForm } from "./transfer-form.js";
import { Wallet } from "./wallet.js";

/** @typedef {import("./escrows.js").Job} Job */
/** @typedef {import("./keystore.js").Key} Key */
/** @typedef {import("./outbox.js").Activity} Activity */
/** @typedef {import("./payment.js").Session} Session */

const REFRESH_MILLISECONDS = 250;
const BLOCKS_MILLISECONDS = 100;
const POLL_MILLISECONDS = 4_000;
const LONGEST_PAUSE_MILLISECONDS = 8_000;
const SILENCE_CHECK_MILLISECONDS = 1_000;

const chain = new Chain({ api });
const keyChanges = new BroadcastChannel("ait-key");
const accountPanel = new AccountPanel({ onMakeKey: makeKey, onFaucet: askFaucet });

/** @type {string | null} */
let chainId = null;
let isDevnet = false;
/** @type {Key | null} */
let key = null;
/** @type {import("./chain-panel.js").FeedState} */
let feedState = "connecting";

// The newest block, while none follows it for too long; else null. And what the node says of why.
/** @type {api.Block | null} */
let silentSince = null;
/** @type {string | null} */
let stall = null;
let healthAskedAt = 0;

/**
 * What opens the dialogs of an escrow; set once, by start().
 * @type {ReturnType<typeof setUpEscrowDialogs> | null}
 */
let dialogs = null;

/**
 * The account on the chain; null until both a key and a chain are there.
 * @type {Session | null}
 */
let session = null;

/** @param {boolean} areOpen */
function openForms(areOpen) {
  for (const id of ["transfer-fields", "escrow-fields"]) ofKind(HTMLFieldSetElement, byId(id)).disabled = !areOpen;
}

/** @param {Key | null} stored */
async function useKey(stored) {
  key = stored;
  if (!key) {
    session = null;
    openForms(false);
    accountPanel.showNoKey();
    return;
  }
  const wallet = await Wallet.from(key);
  accountPanel.showAddress(wallet.address);
  if (chainId) openSession(wallet, chainId);
}

/** @param {boolean} replacing */
async function makeKey(replacing) {
  const former = session;
  const made = await keystore.make(replacing ? key : null);
  if (replacing) {
    former?.outbox.clear();
    former?.escrows.clear();
  }
  await useKey(made);
  keyChanges.postMessage("changed");
  announce(`New key made. Your address is ${byId("address").textContent}.`);
  // Browsers may evict what sites store; this asks them not to.
  navigator.storage?.persist?.().catch(() => false);
  if (!replacing) (byId("faucet").hidden ? byId("copy-address") : byId("faucet")).focus();
}

/** @param {number} amount */
async function askFaucet(amount) {
  if (!session) throw new Error("The node does not answer yet.");
  const { wallet, outbox } = session;
  const { txHash } = await api.mintFaucet(wallet.address, amount);
  if (txHash) outbox.expect({ hash: txHash, amount });
}

/**
 * @param {Wallet} wallet
 * @param {string} chainId
 */
function openSession(wallet, chainId) {
  const owner = { chainId, address: wallet.address };
  const outbox = new Outbox({
    api,
    wallet,
    chainId,
    records: new RecordList("transactions", { ...owner, limit: Outbox.limit }),
  });
  const escrows = new EscrowBook({
    api,
    client: wallet.address,
    outbox,
    records: new RecordList("escrows", { ...owner, limit: EscrowBook.limit }),
    knowsJob,
  });
  const opened = { wallet, outbox, escrows };
  session = opened;
  /**
   * @param {(event: Event) => void} show
   * @returns {(event: Event) => void}
   */
  const whileOpen = (show) => (event) => {
    if (session === opened) show(event);
  };
  outbox.addEventListener("change", whileOpen(showLists));
  escrows.addEventListener("change", whileOpen(showLists));
  outbox.addEventListener(
    "settled",
    whileOpen((event) => announce(tell(/** @type {CustomEvent<Activity>} */ (event).detail))),
  );
  openForms(true);
  showLists();
  refresh();
}

/**
 * Asks the devnet's coordinator about a job, where it is the only one and so surely the escrow's.
 * @param {Job} escrow
 */
async function knowsJob(escrow) {
  const coordinators = Object.keys(chain.params?.coordinators ?? {});
  if (!isDevnet || coordinators.length !== 1 || coordinators[0] !== escrow.coordinator) return null;
  return api.knowsJob(escrow);
}

function showLists() {
  if (!session) return;
  const { outbox, escrows } = session;
  showActivity(outbox.list());
  showEscrows(escrows.list(), {
    height: chain.height,
    notice: chain.params?.cancel_notice_blocks ?? Infinity,
    onDismiss: (jobId) => session?.escrows.dismiss(jobId),
    onTopUp: (jobId) => dialogs?.topUp(jobId),
    onCancel: (jobId) => dialogs?.cancel(jobId),
  });
}

async function refreshAccount() {
  if (!session) return;
  const { wallet, outbox, escrows } = session;
  const account = await api.getAccount(wallet.address);
  if (session?.wallet !== wallet) return;
  accountPanel.showAccount(account);
  await outbox.refresh();
  await escrows.refresh();
  if (session?.wallet === wallet) showLists();
}

const refresh = coalesce(async () => {
  const blocks = chain.hasGap || feedState !== "live" || silentSince ? chain.refreshBlocks() : null;
  const params = chain.params ? null : chain.refreshParams();
  const outcomes = await Promise.allSettled([blocks, params, chain.refreshSupply(), refreshAccount()]);
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  showNotice(failure ? api.explanationOf(failure.reason) : stall);
}, REFRESH_MILLISECONDS);

/** @param {import("./live.js").LiveEvent} event */
function onEvent({ type, data }) {
  // The document says in words alone what the data of each type is.
  if (type === "block") {
    chain.add(/** @type {api.Block} */ (data));
    refresh();
  } else if (type === "tx") {
    onTransaction(/** @type {api.TxView} */ (data)).catch((error) => showNotice(api.explanationOf(error)));
  } else if (type === "lagged") {
    // The feed left something out; REST has it.
    refresh();
  }
}

/** @param {api.TxView} view */
async function onTransaction(view) {
  if (transactionOf(view)?.type === "PARAM_UPDATE" && succeeded(view)) await chain.refreshParams();
  await session?.outbox.observe(view);
}

/** @param {import("./live.js").FeedState} state */
async function onFeedState(state) {
  feedState = state;
  showFeedState(state, silentSince);
  if (state !== "live") return;
  try {
    // A node that was started afresh may serve another chain, for which nothing here holds.
    const health = await api.health();
    if (health.chain_id !== chainId || (await isAnotherChain(api, health))) return location.reload();
    showHealth(health);
    await Promise.all([chain.refreshBlocks(), chain.refreshParams()]);
  } catch {
    // What is missing is fetched, and its failure told, by the refresh.
  }
  refresh();
}

/** @param {api.Health} health */
function showHealth(health) {
  isDevnet = health.devnet;
  accountPanel.showFaucet(health.faucet);
  stall = silentSince || health.status === "stalled" ? explainStall(health) : null;
}

/** Says that no block comes any more, and that they come again; asks the node why, while none comes. */
async function checkSilence() {
  const silent = isSilent({ blocks: chain.blocks, newestAt: chain.newestAt, now: Date.now() });
  silentSince = silent ? chain.blocks[0] : null;
  showFeedState(feedState, silentSince);
  if (!silent && !stall) return;
  if (Date.now() - healthAskedAt < POLL_MILLISECONDS) return;
  healthAskedAt = Date.now();
  try {
    showHealth(await api.health());
  } catch {
    stall = null;
  }
  refresh();
}

async function findChain() {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const health = await api.health();
      await recognize(api, health);
      showNotice(null);
      showHealth(health);
      return health.chain_id;
    } catch (error) {
      showNotice(`${api.explanationOf(error)} Trying again…`);
      await pause(Math.min(500 * 2 ** attempt, LONGEST_PAUSE_MILLISECONDS));
    }
  }
}

async function loadKey() {
  try {
    const stored = await keystore.load();
    if (!stored) await keystore.assertKeysAvailable();
    await useKey(stored);
  } catch (error) {
    accountPanel.showNoKey(api.explanationOf(error));
  }
}

async function start() {
  showBlocksLoading(Chain.shownBlocks);
  showFeedState(feedState);
  chain.addEventListener(
    "blocks",
    coalesce(() => showBlocks(chain.blocks), BLOCKS_MILLISECONDS),
  );
  chain.addEventListener("supply", () => {
    if (chain.supply) showSupply(chain.supply);
  });
  setUpTransferForm({ api, session: () => session });
  setUpEscrowForm({ api, chain, session: () => session });
  dialogs = setUpEscrowDialogs({ api, chain, session: () => session });
  keyChanges.onmessage = loadKey;
  await loadKey();
  chainId = await findChain();
  showChainId(chainId);
  if (key) openSession(await Wallet.from(key), chainId);
  refresh();
  const url = `${location.origin.replace(/^http/, "ws")}/p2p/ws`;
  new LiveFeed({ url, onEvent, onState: onFeedState }).start();
  setInterval(checkSilence, SILENCE_CHECK_MILLISECONDS);
  setInterval(() => {
    if (feedState !== "live") refresh();
  }, POLL_MILLISECONDS);
}

start();
