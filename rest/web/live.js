// The live feed of the node, WS /p2p/ws: one connection, made again with growing pauses whenever it breaks.
// Hands on what arrives and what state the connection is in; interprets neither.

/** @typedef {"live" | "reconnecting"} FeedState */
/** @typedef {import("ait-api").components["schemas"]["LiveEvent"]} LiveEvent */

const FIRST_PAUSE_MILLISECONDS = 500;
const LONGEST_PAUSE_MILLISECONDS = 10_000;

/** A feed that reports through the callbacks `onEvent({type, data})` and `onState("live" | "reconnecting")`. */
export class LiveFeed {
  #url;
  #onEvent;
  #onState;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {number | undefined} */
  #timer;
  #pause = FIRST_PAUSE_MILLISECONDS;

  /** @param {{ url: string, onEvent: (event: LiveEvent) => void, onState: (state: FeedState) => void }} parts */
  constructor({ url, onEvent, onState }) {
    this.#url = url;
    this.#onEvent = onEvent;
    this.#onState = onState;
    const retryNow = () => {
      if (!this.#socket && document.visibilityState === "visible") this.#connect();
    };
    addEventListener("online", retryNow);
    document.addEventListener("visibilitychange", retryNow);
  }

  /** Connects, and from then on stays connected as well as it can. */
  start() {
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#pause = FIRST_PAUSE_MILLISECONDS;
      this.#onState("live");
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => {
      this.#socket = null;
      this.#onState("reconnecting");
      // Pages that lost the same node must not all come back in the same instant.
      const spread = this.#pause * (0.5 + Math.random() / 2);
      this.#timer = setTimeout(() => this.#connect(), spread);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MILLISECONDS);
    };
  }

  /** @param {string} text */
  #receive(text) {
    let event;
    try {
      event = JSON.parse(text);
    } catch {
      return;
    }
    if (event && typeof event === "object" && event.data) this.#onEvent(event);
  }
}
