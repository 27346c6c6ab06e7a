// Exact conversion between AIT as people write it and uait as the chain counts it (PROTOCOL section 2).
// Works on digits alone: no floating point ever holds an amount.

const DECIMALS = 6;
const GROUP_SEPARATOR = "\u202f";

/** The greatest amount of the protocol in uait, 2^53-1. */
export const MAX_UAIT = Number.MAX_SAFE_INTEGER;

/**
 * The uait of an amount written in AIT, such as `12.5`; blanks between the digits are ignored.
 * Throws an Error whose message names the limit that was missed.
 * @param {string} text
 */
export function parseAit(text) {
  const digits = text.replace(/\s/gu, "");
  if (digits === "") throw new Error("Enter an amount in AIT.");
  const match = /^(\d*)(?:\.(\d*))?$/.exec(digits);
  if (!match || !(match[1] || match[2])) {
    throw new Error("Write the amount in digits with a dot before the decimals, like 12.5.");
  }
  const [, whole, fraction = ""] = match;
  if (fraction.length > DECIMALS) throw new Error(`An amount has at most ${DECIMALS} decimals.`);
  const uait = BigInt(whole + fraction.padEnd(DECIMALS, "0"));
  if (uait === 0n) throw new Error("The amount must be more than 0.");
  if (uait > BigInt(MAX_UAIT)) throw new Error(`The most there can be is ${formatAit(MAX_UAIT)} AIT.`);
  return Number(uait);
}

/**
 * An integer with its digits grouped by threes.
 * @param {number | string} integer
 */
export function groupDigits(integer) {
  return String(integer).replace(/\B(?=(\d{3})+$)/g, GROUP_SEPARATOR);
}

/**
 * The two sides of the dot of an amount of uait: grouped whole AIT, and all six decimals.
 * @param {number | string} uait
 */
export function splitAit(uait) {
  const digits = String(uait).padStart(DECIMALS + 1, "0");
  return { whole: groupDigits(digits.slice(0, -DECIMALS)), fraction: digits.slice(-DECIMALS) };
}

/**
 * An amount of uait in AIT, without the zeros at its end.
 * @param {number | string} uait
 */
export function formatAit(uait) {
  const { whole, fraction } = splitAit(uait);
  const significant = fraction.replace(/0+$/, "");
  return significant ? `${whole}.${significant}` : whole;
}
