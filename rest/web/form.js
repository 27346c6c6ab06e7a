// What the page's forms share: reading fields, showing what is wrong beside the field it concerns,
// a note for what concerns the whole form, and the fee before it is paid.

import { formatAit } from "./amount.js";
import { ApiError, explanationOf } from "./api.js";
import { byId, ofKind, setText } from "./dom.js";

/**
 * Which field of a form a refusal of the node concerns; null or undefined for none.
 * @typedef {(refusal: ApiError) => string | null | undefined} FieldOf
 */

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */
/** @typedef {Record<string, (text: string) => unknown>} Readers what makes values of texts, each throwing on a bad one */

/**
 * What the readers give.
 * @template {Readers} R
 * @typedef {{ [Name in keyof R]: ReturnType<R[Name]> }} Values
 */

const FEE_PAUSE_MILLISECONDS = 300;

/**
 * @param {unknown} node
 * @returns {node is Field}
 */
const isField = (node) => node instanceof HTMLInputElement || node instanceof HTMLSelectElement;

/** A field's value is refused; the message is for the person who typed it. */
export class FieldError extends Error {
  /**
   * @param {string} field
   * @param {string} message
   */
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/**
 * A form whose fields are read by `readers`, by their names.
 * @template {Readers} R
 */
export class Form {
  #form;
  #readers;
  #note;

  /**
   * @param {string} id
   * @param {R} readers
   */
  constructor(id, readers) {
    const form = ofKind(HTMLFormElement, byId(id));
    this.#form = form;
    this.#readers = readers;
    this.#note = ofKind(HTMLElement, form.querySelector(".form-note"), `${id} .form-note`);
    form.noValidate = true;
    form.addEventListener("input", ({ target }) => {
      if (isField(target)) this.#showHint(target, null);
      this.setNote("");
    });
  }

  /**
   * The input of a field.
   * @param {keyof R & string} name
   */
  input(name) {
    const input = this.#form.elements.namedItem(name);
    if (isField(input)) return input;
    throw new TypeError(`the form ${this.#form.id} has no field ${name}`);
  }

  /**
   * Calls back with the values when the form is submitted and every field is good; one submit at a time.
   * @param {(values: Values<R>) => Promise<void>} handle
   */
  onSubmit(handle) {
    const button = ofKind(HTMLElement, this.#form.querySelector("[type=submit]"), "[type=submit]");
    this.#form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (button.getAttribute("aria-disabled") === "true") return;
      this.setNote("");
      const values = this.#readAll();
      if (!values) return;
      button.setAttribute("aria-disabled", "true");
      try {
        await handle(values);
      } finally {
        button.removeAttribute("aria-disabled");
      }
    });
  }

  /**
   * All values, or null as long as some field is not good; shows nothing.
   * @returns {Values<R> | null}
   */
  peek() {
    try {
      const values = Object.entries(this.#readers).map(([name, reader]) => [name, reader(this.input(name).value)]);
      return /** @type {Values<R>} */ (Object.fromEntries(values));
    } catch {
      return null;
    }
  }

  /**
   * Shows a message beside a field and puts the focus there.
   * @param {keyof R & string} name
   * @param {string} message
   */
  refuse(name, message) {
    const input = this.input(name);
    this.#showHint(input, message);
    input.focus();
  }

  /**
   * Shows an error where it belongs: beside the field it names, or that `fieldOf` names for a refusal of the node,
   * or under the form.
   * @param {unknown} error
   * @param {FieldOf} fieldOf
   */
  showFailure(error, fieldOf) {
    const refused = error instanceof ApiError ? fieldOf(error) : null;
    const field = error instanceof FieldError ? error.field : refused;
    const message = explanationOf(error);
    if (field) this.refuse(field, message);
    else this.setNote(message, "bad");
  }

  /**
   * A line under the form.
   * @param {string} text
   * @param {"good" | "bad"} [tone]
   */
  setNote(text, tone = "good") {
    setText(this.#note, text);
    this.#note.dataset.tone = tone;
  }

  /** Empties the form, and takes back what was said about it. */
  reset() {
    for (const name of Object.keys(this.#readers)) {
      this.input(name).value = "";
      this.#showHint(this.input(name), null);
    }
    this.setNote("");
    this.refreshFee();
  }

  /**
   * Clears the given fields.
   * @param {(keyof R & string)[]} names
   */
  clear(...names) {
    for (const name of names) this.input(name).value = "";
    this.refreshFee();
  }

  /** Has the fee found again, after values changed otherwise than by typing. */
  refreshFee() {
    this.#form.dispatchEvent(new Event("fee"));
  }

  /**
   * Keeps `output` showing the fee of what the form holds, which `estimate` finds.
   * @param {HTMLElement} output
   * @param {(values: Values<R>) => Promise<number | null>} estimate
   */
  showFee(output, estimate) {
    /** @type {number | undefined} */
    let timer;
    let latest = 0;
    const update = async () => {
      latest += 1;
      const mine = latest;
      const values = this.peek();
      const fee = values ? await estimate(values).catch(() => null) : null;
      if (mine !== latest) return;
      setText(output, fee === null ? "—" : `${formatAit(fee)} AIT`);
    };
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(update, FEE_PAUSE_MILLISECONDS);
    };
    for (const event of ["input", "change", "fee"]) this.#form.addEventListener(event, later);
    later();
  }

  /** @returns {Values<R> | null} */
  #readAll() {
    /** @type {[string, unknown][]} */
    const values = [];
    /** @type {Field | null} */
    let first = null;
    for (const [name, reader] of Object.entries(this.#readers)) {
      const input = this.input(name);
      try {
        values.push([name, reader(input.value)]);
        this.#showHint(input, null);
      } catch (error) {
        this.#showHint(input, explanationOf(error));
        first ??= input;
      }
    }
    first?.focus();
    return first ? null : /** @type {Values<R>} */ (Object.fromEntries(values));
  }

  /**
   * @param {Field} input
   * @param {string | null} message
   */
  #showHint(input, message) {
    const hint = document.getElementById(input.getAttribute("aria-describedby") ?? "");
    if (!hint) return;
    const usual = (hint.dataset.usual ??= hint.textContent ?? "");
    setText(hint, message ?? usual);
    hint.classList.toggle("bad", message !== null);
    if (message === null) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  }
}
