/** How long a trainer may hold the thread, in milliseconds. */
const SLICE_MS = 40;

/**
 * Lets the event loop run every {@link SLICE_MS} of work, so that a page stays alive and an abort arrives.
 * `await breathe()` costs one clock reading otherwise.
 * @throws the signal's reason, once it is aborted
 */
export function breather(signal?: AbortSignal): () => Promise<void> | undefined {
  signal?.throwIfAborted();
  let last = performance.now();
  return () => {
    if (performance.now() - last < SLICE_MS) return undefined;
    return new Promise<void>((resolve) => setTimeout(resolve)).then(() => {
      signal?.throwIfAborted();
      last = performance.now();
    });
  };
}
