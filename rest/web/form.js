// What the page's forms share: reading fields, showing what is wrong beside the field it concerns,
// a note for what concerns the whole form, and the fee before it is paid.

import { formatAit } from "./amount.js";
import { setText } from "./dom.js";

const FEE_PAUSE_MILLISECONDS = 300;

/** A field's value is refused; the message is for the person who typed it. */
export class FieldError extends Error {
  constructor(field, message) {
    super(message);
    this.field = field;
  }
}

/** A form whose fields are read by `readers`: `{name: (text) => value}`, each throwing on a bad text. */
export class Form {
  #form;
  #readers;
  #note;

  constructor(form, readers) {
    this.#form = form;
    this.#readers = readers;
    this.#note = form.querySelector(".form-note");
    form.noValidate = true;
    form.addEventListener("input", ({ target }) => {
      this.#showHint(target, null);
      this.setNote("");
    });
  }

  /** The input of a field. */
  input(name) {
    return this.#form.elements.namedItem(name);
  }

  /** Calls back with the values when the form is submitted and every field is good; one submit at a time. */
  onSubmit(handle) {
    const button = this.#form.querySelector("[type=submit]");
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

  /** All values, or null as long as some field is not good; shows nothing. */
  peek() {
    try {
      const read = ([name, reader]) => [name, reader(this.input(name).value)];
      return Object.fromEntries(Object.entries(this.#readers).map(read));
    } catch {
      return null;
    }
  }

  /** Shows a message beside a field and puts the focus there. */
  refuse(name, message) {
    const input = this.input(name);
    this.#showHint(input, message);
    input.focus();
  }

  /** Shows an error where it belongs: beside the field `fieldOf(error)` names, or under the form. */
  showFailure(error, fieldOf) {
    const field = error instanceof FieldError ? error.field : fieldOf(error);
    const message = error.explanation ?? error.message;
    if (field) this.refuse(field, message);
    else this.setNote(message, "bad");
  }

  /** A line under the form; tone "good" or "bad". */
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

  /** Clears the given fields. */
  clear(...names) {
    for (const name of names) this.input(name).value = "";
    this.refreshFee();
  }

  /** Has the fee found again, after values changed otherwise than by typing. */
  refreshFee() {
    this.#form.dispatchEvent(new Event("fee"));
  }

  /** Keeps `output` showing the fee of what the form holds, which `estimate(values)` finds. */
  showFee(output, estimate) {
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

  #readAll() {
    const values = {};
    let first = null;
    for (const [name, reader] of Object.entries(this.#readers)) {
      const input = this.input(name);
      try {
        values[name] = reader(input.value);
        this.#showHint(input, null);
      } catch (error) {
        this.#showHint(input, error.message);
        first ??= input;
      }
    }
    first?.focus();
    return first ? null : values;
  }

  #showHint(input, message) {
    const hint = document.getElementById(input.getAttribute?.("aria-describedby"));
    if (!hint) return;
    hint.dataset.usual ??= hint.textContent;
    setText(hint, message ?? hint.dataset.usual);
    hint.classList.toggle("bad", message !== null);
    if (message === null) input.removeAttribute("aria-invalid");
    else input.setAttribute("aria-invalid", "true");
  }
}
