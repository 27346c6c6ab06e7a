// Small helpers over the document that every panel uses. Text goes in as text only, never as markup.

/**
 * A node of the document as the kind of element that it is. Throws where it is none.
 * @template {Element} E
 * @param {{ new (): E }} kind
 * @param {Node | null | undefined} node
 * @param {string} [name] what the node is looked up by
 */
export function ofKind(kind, node, name = "") {
  if (node instanceof kind) return node;
  throw new TypeError(`the page has no ${kind.name} ${name}`);
}

/**
 * The element with an id.
 * @param {string} id
 */
export const byId = (id) => ofKind(HTMLElement, document.getElementById(id), id);

/**
 * Sets an element's text, touching the document only where it differs.
 * @param {Element} node
 * @param {string | number} text
 */
export function setText(node, text) {
  const next = String(text);
  if (node.textContent !== next) node.textContent = next;
}

/**
 * A copy of a template's first element.
 * @param {string} id
 */
export function fromTemplate(id) {
  const { content } = ofKind(HTMLTemplateElement, byId(id));
  return ofKind(HTMLElement, content.firstElementChild?.cloneNode(true), id);
}

/**
 * The part of an element that carries `data-part="name"`.
 * @param {Element} node
 * @param {string} name
 */
export const part = (node, name) => ofKind(HTMLElement, node.querySelector(`[data-part="${name}"]`), name);

/**
 * Fills the parts of an element with texts: `{name: text}`.
 * @param {Element} node
 * @param {Record<string, string | number>} texts
 */
export function fill(node, texts) {
  for (const [name, text] of Object.entries(texts)) setText(part(node, name), text);
}

/**
 * Makes a list's children stand for `items` in their order, keeping the elements of those that stay,
 * so that focus and animations survive.
 * @template T
 * @param {Element} list
 * @param {T[]} items
 * @param {object} how
 * @param {(item: T) => string | number | undefined} how.key
 * @param {(item: T) => HTMLElement} how.create
 * @param {(child: HTMLElement, item: T) => void} how.update
 */
export function syncList(list, items, { key, create, update }) {
  const children = [...list.children].map((child) => ofKind(HTMLElement, child));
  const present = new Map(children.map((child) => [child.dataset.key, child]));
  /** @type {HTMLElement | null} */
  let previous = null;
  for (const item of items) {
    const itemKey = String(key(item));
    let child = present.get(itemKey);
    present.delete(itemKey);
    if (!child) {
      child = create(item);
      child.dataset.key = itemKey;
    }
    /** @type {Element | null} */
    const place = previous ? previous.nextElementSibling : list.firstElementChild;
    if (place !== child) list.insertBefore(child, place);
    update(child, item);
    previous = child;
  }
  for (const child of present.values()) child.remove();
}

/**
 * Tells those who listen to the page what just happened.
 * @param {string} text
 */
export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  const log = byId("announcements");
  log.append(line);
  while (log.childElementCount > 5) log.firstElementChild?.remove();
}

/**
 * `ait1rsxy…lv9kh`: enough of an address or hash to know it again.
 * @param {string} text
 */
export function shorten(text, head = 8, tail = 5) {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/**
 * Puts a shortened text into an element, and the whole of it into its tooltip.
 * @param {HTMLElement} node
 * @param {string} text
 * @param {number} head
 * @param {number} tail
 */
export function setShortened(node, text, head, tail) {
  setText(node, shorten(text, head, tail));
  node.title = text;
}

/**
 * Lets a button copy a text, and say so for a moment.
 * @param {HTMLElement} button
 * @param {() => string} text
 */
export function copyOnClick(button, text) {
  const label = button.textContent ?? "";
  /** @type {number | undefined} */
  let timer;
  button.addEventListener("click", async () => {
    let outcome = "Copied";
    try {
      await navigator.clipboard.writeText(text());
    } catch {
      outcome = "Not allowed";
    }
    setText(button, outcome);
    announce(outcome);
    clearTimeout(timer);
    timer = setTimeout(() => setText(button, label), 1_500);
  });
}
