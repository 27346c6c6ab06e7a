// A real Chromium with an empty profile, opened on the page of a running devnet, and the chain as REST tells it.
// Owns the browser's process and its profile folder; both are gone when the test ends.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { encode } from "../../rest/web/bech32.js";

const { AIT_REST_URL: restUrl, CHROMIUM: executablePath = "/usr/bin/chromium" } = process.env;

assert.ok(restUrl, "AIT_REST_URL must be the REST address of a running devnet with faucet, coordinator and miner");

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long a condition on the chain may take to come true, in milliseconds; far beyond what it takes. */
export const PATIENCE = 90_000;

/** The origin of the page under test. */
export const origin = new URL(restUrl).origin;

/** Fetches a REST route's JSON. */
export async function rest(path) {
  const response = await fetch(new URL(path, origin));
  assert.ok(response.ok, `${path} answered ${response.status}`);
  return response.json();
}

/** An account's balance and nonce as REST tells them. */
export const accountOf = (address) => rest(`/rpc/getBalance/${address}`);

/** An escrow's record as REST tells it. */
export const escrowOf = (client, jobId) => rest(`/rpc/getEscrow/${client}/${jobId}`);

/** An address nobody has used before. */
export const freshAddress = () => encode("ait", crypto.getRandomValues(new Uint8Array(20)));

/** The uait of an amount the page shows in AIT. */
export function uait(text) {
  const [whole, fraction = ""] = text.replace(/[^0-9.]/g, "").split(".");
  return Number(whole + fraction.padEnd(6, "0"));
}

function watch(context, page) {
  const seen = { errors: [], foreign: [], sent: 0 };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") seen.errors.push(message.text());
  });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  context.on("request", (request) => {
    if (new URL(request.url()).host !== new URL(origin).host) seen.foreign.push(request.url());
    if (new URL(request.url()).pathname === "/rpc/sendTx") seen.sent += 1;
  });
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) seen.foreign.push(socket.url());
  });
  return seen;
}

/** A profile folder for browsers; `open()` starts one on it. `remove()` stops them and deletes the folder. */
export async function newProfile() {
  const folder = await mkdtemp(join(tmpdir(), "ait-web-"));
  const contexts = [];
  return {
    async open(options = {}) {
      const context = await chromium.launchPersistentContext(folder, {
        executablePath,
        headless: true,
        args: ARGUMENTS,
        ...options,
      });
      contexts.push(context);
      context.setDefaultTimeout(PATIENCE);
      const page = context.pages()[0] ?? (await context.newPage());
      return { context, page, seen: watch(context, page) };
    },
    async remove() {
      for (const context of contexts) await context.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until an asynchronous condition gives something truthy, and returns that. */
export async function eventually(condition, what) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const outcome = await condition();
    if (outcome) return outcome;
    assert.ok(Date.now() < end, `never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
