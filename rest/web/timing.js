// Waiting, and doing work no more often than it is worth.

/**
 * Resolves after so many milliseconds.
 * @param {number} milliseconds
 */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * A trigger for `work` that runs it at once, but never twice at the same time nor again within `interval`
 * milliseconds; triggers that come meanwhile are answered by one more run afterwards.
 * @param {() => unknown} work
 * @param {number} interval
 */
export function coalesce(work, interval) {
  let running = false;
  let again = false;
  return async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await work();
        await pause(interval);
      }
    } finally {
      running = false;
    }
  };
}
