// RFC 8785 canonical JSON of the values this chain's transactions may hold (PROTOCOL section 3):
// objects, arrays, strings, booleans and the integers 0..=2^53-1. Anything else is refused by name.

/**
 * The canonical JSON text of a value. Throws a TypeError that names what has no canonical form here.
 * @param {unknown} value
 * @returns {string}
 */
export function canonicalJson(value) {
  switch (typeof value) {
    case "string":
      return canonicalString(value);
    case "number":
      return canonicalInteger(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
      if (value !== null) return canonicalObject(value);
      throw new TypeError("null has no place in a transaction");
    default:
      throw new TypeError(`a value of type ${typeof value} has no place in a transaction`);
  }
}

/** @param {string} text */
function canonicalString(text) {
  if (!text.isWellFormed()) throw new TypeError("text with a lone surrogate cannot be sent");
  // ECMAScript's escaping of well-formed strings is the one RFC 8785 prescribes.
  return JSON.stringify(text);
}

/** @param {number} number */
function canonicalInteger(number) {
  if (!Number.isSafeInteger(number) || number < 0 || Object.is(number, -0)) {
    throw new TypeError(`${number} is not an integer from 0 to 2^53-1`);
  }
  return String(number);
}

/** @param {object} object */
function canonicalObject(object) {
  /** @type {Record<string, unknown>} */
  const values = { ...object };
  // The default order of sort() is by UTF-16 code units, which is RFC 8785's.
  const members = Object.keys(values).sort();
  return `{${members.map((name) => `${canonicalString(name)}:${canonicalJson(values[name])}`).join(",")}}`;
}
