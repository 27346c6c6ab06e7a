// The page's protocol code against the vectors of an independent implementation.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { formatAit, parseAit } from "../../rest/web/amount.js";
import { encode } from "../../rest/web/bech32.js";
import { canonicalJson } from "../../rest/web/canonical.js";
import {
  Wallet,
  addressOf,
  addressProblem,
  signBytes,
  toHex,
  transactionHash,
  wireText,
} from "../../rest/web/wallet.js";

const vectors = JSON.parse(await readFile(new URL("../vectors/protocol.json", import.meta.url), "utf8"));

// An ed25519 private key in PKCS #8 is this prefix and its 32-byte seed (RFC 8410).
const PKCS8_PREFIX = "302e020100300506032b657004220420";

const fromHex = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

async function walletOf({ secret_seed: seed, pubkey }) {
  const privateKey = await crypto.subtle.importKey("pkcs8", fromHex(PKCS8_PREFIX + seed), "Ed25519", false, ["sign"]);
  return Wallet.from({ privateKey, publicKey: fromHex(pubkey) });
}

test("an address is the bech32 of the public key's hash", async () => {
  for (const { pubkey, address } of vectors.keys) assert.equal(await addressOf(fromHex(pubkey)), address);
  assert.ok(vectors.keys.length > 0);
});

test("bech32 gives the addresses of the module accounts", async () => {
  for (const { name, address } of vectors.modules) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`ait-module/${name}`));
    assert.equal(encode("ait", new Uint8Array(digest).slice(0, 20)), address);
  }
});

test("every address of the vectors passes for one", () => {
  for (const { address } of [...vectors.keys, ...vectors.modules]) assert.equal(addressProblem(address), null);
});

test("what is no address is refused with its reason", () => {
  const { address } = vectors.keys[0];
  const swapped = address.slice(0, -2) + address.at(-1) + address.at(-2);
  for (const [text, reason] of [
    ["", /begin with ait1/],
    [address.slice(0, -1), /checksum/],
    [swapped, /checksum/],
    [address.toUpperCase(), /lower case/],
    [address.replace("ait1", "bit1"), /begin with ait1/],
    [`${address.slice(0, 10)}b${address.slice(11)}`, /“b”/],
    [encode("ait", new Uint8Array(32)), /32 bytes, not 20/],
  ]) {
    assert.match(addressProblem(text), reason, text);
  }
});

test("every single mistyped character of an address is noticed", () => {
  const { address } = vectors.keys[0];
  for (let index = 0; index < address.length; index += 1) {
    const wrong = address[index] === "q" ? "p" : "q";
    assert.notEqual(addressProblem(address.slice(0, index) + wrong + address.slice(index + 1)), null, `at ${index}`);
  }
});

for (const { name, chain_id: chainId, secret_seed, tx, ...expected } of vectors.transactions) {
  test(`${name}: canonical payload, sign bytes, signature, wire and hash are the vectors'`, async () => {
    assert.equal(canonicalJson(tx.payload), expected.canonical_payload);
    assert.equal(toHex(await signBytes(chainId, tx)), expected.sign_bytes);
    const wallet = await walletOf({ secret_seed, pubkey: tx.pubkey });
    const { type, payload, nonce, fee } = tx;
    const signed = await wallet.sign(chainId, { type, payload }, { nonce, fee });
    assert.deepEqual(signed, tx);
    assert.equal(wireText(signed), expected.wire);
    assert.equal(await transactionHash(signed), expected.hash);
  });
}

test("canonical JSON orders fields by UTF-16 code units at any depth", () => {
  assert.equal(
    canonicalJson({ "\u{1f600}": 1, "\ufb33": 2, b: [{ z: true, a: "x" }], B: false }),
    '{"B":false,"b":[{"a":"x","z":true}],"\u{1f600}":1,"\ufb33":2}',
  );
});

test("canonical JSON refuses what the protocol has no place for", () => {
  for (const value of [null, undefined, 1.5, -1, -0, 2 ** 53, NaN, Infinity, "\ud800", { "\udc00": 1 }, [null], 1n]) {
    assert.throws(() => canonicalJson(value), TypeError, String(value));
  }
});

test("AIT become uait exactly", () => {
  for (const [text, uait] of [
    ["1", 1_000_000],
    ["0.000001", 1],
    [".5", 500_000],
    ["5.", 5_000_000],
    ["0.1", 100_000],
    ["1.100000", 1_100_000],
    ["1\u202f234.5", 1_234_500_000],
    ["4503599627.370497", 4_503_599_627_370_497],
    ["9007199254.740991", Number.MAX_SAFE_INTEGER],
  ]) {
    assert.equal(parseAit(text), uait, text);
  }
});

test("amounts that are none are refused with their reason", () => {
  for (const [text, reason] of [
    ["", /Enter an amount/],
    ["0", /more than 0/],
    ["0.0", /more than 0/],
    ["0.0000001", /6 decimals/],
    ["9007199254.740992", /most there can be/],
    ["1e6", /digits/],
    ["-1", /digits/],
    ["1,5", /dot/],
    [".", /digits/],
    ["0x10", /digits/],
  ]) {
    assert.throws(() => parseAit(text), { message: reason }, text);
  }
});

test("amounts are shown exactly, and what is shown can be typed", () => {
  for (const [uait, text] of [
    [0, "0"],
    [1, "0.000001"],
    [1_500_000, "1.5"],
    [1_234_000_000, "1\u202f234"],
    [Number.MAX_SAFE_INTEGER, "9\u202f007\u202f199\u202f254.740991"],
  ]) {
    assert.equal(formatAit(uait), text);
    if (uait > 0) assert.equal(parseAit(text), uait);
  }
});
