// Small helpers over the document that every panel uses. Text goes in as text only, never as markup.

/** The element with an id. */
export const byId = (id) => document.getElementById(id);

/** Sets an element's text, touching the document only where it differs. */
export function setText(node, text) {
  const next = String(text);
  if (node.textContent !== next) node.textContent = next;
}

/** A copy of a template's first element. */
export function fromTemplate(id) {
  return byId(id).content.firstElementChild.cloneNode(true);
}

/** The part of an element that carries `data-part="name"`. */
export function part(node, name) {
  return node.querySelector(`[data-part="${name}"]`);
}

/** Fills the parts of an element with texts: `{name: text}`. */
export function fill(node, texts) {
  for (const [name, text] of Object.entries(texts)) setText(part(node, name), text);
}

/**
 * Makes a list's children stand for `items` in their order, keeping the elements of those that stay,
 * so that focus and animations survive.
 */
export function syncList(list, items, { key, create, update }) {
  const present = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let previous = null;
  for (const item of items) {
    const itemKey = String(key(item));
    let child = present.get(itemKey);
    present.delete(itemKey);
    if (!child) {
      child = create(item);
      child.dataset.key = itemKey;
    }
    const place = previous ? previous.nextElementSibling : list.firstElementChild;
    if (place !== child) list.insertBefore(child, place);
    update(child, item);
    previous = child;
  }
  for (const child of present.values()) child.remove();
}

/** Tells those who listen to the page what just happened. */
export function announce(text) {
  const line = document.createElement("p");
  line.textContent = text;
  const log = byId("announcements");
  log.append(line);
  while (log.childElementCount > 5) log.firstElementChild.remove();
}

/** `ait1rsxy…lv9kh`: enough of an address or hash to know it again. */
export function shorten(text, head = 8, tail = 5) {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}

/** Puts a shortened text into an element, and the whole of it into its tooltip. */
export function setShortened(node, text, head, tail) {
  setText(node, shorten(text, head, tail));
  node.title = text;
}

/** Lets a button copy a text, and say so for a moment. */
export function copyOnClick(button, text) {
  const label = button.textContent;
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
