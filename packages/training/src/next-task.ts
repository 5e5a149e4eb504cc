/**
 * Lets the runtime do what waits: timers, signals, input, painting. Awaiting a tensor is not enough for that, since on the
 * CPU and in WebAssembly it is there at once and `await` goes on without a turn of the event loop.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
      return;
    }
    const { port1, port2 } = new MessageChannel(); // unlike setTimeout, not held back by 4 ms
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}
