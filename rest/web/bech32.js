// Bech32 text with a BIP-173 checksum (not bech32m), as PROTOCOL section 2 uses it for addresses.
// Owns the encoding alone; knows nothing of keys or hashes.

const CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
const CHECKSUM_LENGTH = 6;

/** @param {number[]} values */
function polymod(values) {
  let checksum = 1;
  for (const value of values) {
    const top = checksum >>> 25;
    checksum = ((checksum & 0x1ffffff) << 5) ^ value;
    GENERATOR.forEach((term, bit) => {
      if ((top >>> bit) & 1) checksum ^= term;
    });
  }
  return checksum >>> 0;
}

/** @param {string} prefix */
function expandPrefix(prefix) {
  const codes = [...prefix].map((character) => character.charCodeAt(0));
  return [...codes.map((code) => code >>> 5), 0, ...codes.map((code) => code & 31)];
}

/**
 * @param {Iterable<number>} values
 * @param {number} fromBits
 * @param {number} toBits
 * @param {boolean} pad
 */
function regroup(values, fromBits, toBits, pad) {
  /** @type {number[]} */
  const groups = [];
  let accumulator = 0;
  let bits = 0;
  for (const value of values) {
    accumulator = (accumulator << fromBits) | value;
    bits += fromBits;
    while (bits >= toBits) {
      bits -= toBits;
      groups.push((accumulator >>> bits) & ((1 << toBits) - 1));
    }
    accumulator &= (1 << bits) - 1;
  }
  if (pad) {
    if (bits > 0) groups.push((accumulator << (toBits - bits)) & ((1 << toBits) - 1));
  } else if (bits >= fromBits || accumulator !== 0) {
    throw new Error("its last character carries bits that must be zero");
  }
  return groups;
}

/**
 * Encodes bytes under a lower-case prefix: `encode("ait", bytes)` gives `ait1…`.
 * @param {string} prefix
 * @param {Uint8Array} bytes
 */
export function encode(prefix, bytes) {
  const data = regroup(bytes, 8, 5, true);
  const remainder = polymod([...expandPrefix(prefix), ...data, ...new Array(CHECKSUM_LENGTH).fill(0)]) ^ 1;
  const checksum = Array.from({ length: CHECKSUM_LENGTH }, (_, index) => (remainder >>> (5 * (5 - index))) & 31);
  return `${prefix}1${[...data, ...checksum].map((value) => CHARSET[value]).join("")}`;
}

/**
 * Decodes lower-case bech32 text under the given prefix to its bytes.
 * Throws an Error whose message says what is wrong, fit to follow "Not an address: ".
 * @param {string} prefix
 * @param {string} text
 */
export function decode(prefix, text) {
  if (!text.startsWith(`${prefix}1`)) throw new Error(`it must begin with ${prefix}1`);
  const body = text.slice(prefix.length + 1);
  const values = [...body].map((character) => CHARSET.indexOf(character));
  const wrong = values.indexOf(-1);
  if (wrong !== -1) throw new Error(`“${[...body][wrong]}” cannot stand in it`);
  if (values.length < CHECKSUM_LENGTH || polymod([...expandPrefix(prefix), ...values]) !== 1) {
    throw new Error("its checksum is wrong, so it is mistyped or incomplete");
  }
  return Uint8Array.from(regroup(values.slice(0, -CHECKSUM_LENGTH), 5, 8, false));
}
