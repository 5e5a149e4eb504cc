/** How long the thread may be busy before timers, signals and the page get their turn, in milliseconds. */
const LONGEST_TURN = 10;

/**
 * Lets the event loop run where it has waited for long: on backends that compute on this thread a promise settles without
 * it, so nothing else, such as Ctrl-C or a button, would get a turn before the last token.
 */
export function turnTaker(): () => Promise<void> {
  let turnBegan = performance.now();
  return async () => {
    if (performance.now() - turnBegan < LONGEST_TURN) return;
    await nextTurn();
    turnBegan = performance.now();
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve);
  });
}
