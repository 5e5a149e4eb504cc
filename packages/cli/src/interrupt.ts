/**
 * A signal that Ctrl-C (or SIGTERM) aborts, so that work can stop cleanly and save. A second Ctrl-C ends the program at once.
 *
 * @param said is called at the first one, to tell the person what happens now.
 */
export function interruptSignal(said: () => void): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  const stop = () => {
    const now = performance.now();
    // A terminal sends Ctrl-C to the whole group, and a package manager may pass it on a second time.
    if (controller.signal.aborted && now - first > 500) process.exit(130);
    if (controller.signal.aborted) return;
    first = now;
    controller.abort();
    said();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return controller.signal;
}
