import type { StartedBackend } from './backend.ts';
import { DeviceFailedError } from './errors.ts';

/**
 * Passes on what comes, such as the events of `train`, for as long as the device holds. A device that is lost computes
 * nothing any more and says so to nobody: without this, a run on it would wait for ever, or read zeros.
 *
 *     for await (const event of untilFailed(train(options), backend)) …
 *
 * Throws (from the loop) DeviceFailedError. What was on the device is gone then: start a backend, build the model and the
 * optimizer anew and restore the last save into them. On a backend without a device it only passes on.
 */
export async function* untilFailed<T>(
  events: AsyncIterable<T>,
  { device }: Pick<StartedBackend, 'device'>,
): AsyncGenerator<T, void, undefined> {
  const iterator = events[Symbol.asyncIterator]();
  const failed = device?.failed.then((error) => Promise.reject(error));
  failed?.catch(() => {}); // told where it is awaited
  let stuck = false;
  try {
    while (true) {
      const next = iterator.next();
      next.catch(() => {}); // of a run that is given up
      const result = await (failed === undefined ? next : Promise.race([failed, next]));
      device?.check();
      if (result.done) return;
      yield result.value;
    }
  } catch (error) {
    stuck = error instanceof DeviceFailedError;
    throw error;
  } finally {
    const ending = Promise.resolve(iterator.return?.());
    ending.catch(() => {});
    if (!stuck) await ending; // what waits for a failed device never ends
  }
}
