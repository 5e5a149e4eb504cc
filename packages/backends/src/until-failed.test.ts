import { expect, it } from 'vitest';
import type { DeviceWatch } from './backend.ts';
import { DeviceFailedError } from './errors.ts';
import { untilFailed } from './until-failed.ts';

const error = new DeviceFailedError('webgl', 'lost', 'It went away');
const healthy: DeviceWatch = { failed: new Promise(() => {}), check: () => {} };
const collect = async (events: AsyncIterable<number>) => {
  const seen: number[] = [];
  for await (const event of events) seen.push(event);
  return seen;
};

async function* three(ended?: () => void) {
  try {
    yield* [1, 2, 3];
  } finally {
    ended?.();
  }
}

it('passes everything on where nothing fails', async () => {
  expect(await collect(untilFailed(three(), {}))).toEqual([1, 2, 3]);
  expect(await collect(untilFailed(three(), { device: healthy }))).toEqual([1, 2, 3]);
});

it('throws what the device says, though the run never comes back', async () => {
  const device = { ...healthy, failed: Promise.resolve(error) };
  async function* stuck(): AsyncGenerator<number> {
    await new Promise(() => {});
  }
  await expect(collect(untilFailed(stuck(), { device }))).rejects.toBe(error);
});

it('asks the device before it passes a value on, and ends the run', async () => {
  const device = {
    ...healthy,
    check() {
      throw error;
    },
  };
  let ended = false;
  const events = untilFailed(
    three(() => {
      ended = true;
    }),
    { device },
  );
  await expect(collect(events)).rejects.toBe(error);
  expect(ended).toBe(true);
});

it('ends the run when the loop is left', async () => {
  let ended = false;
  for await (const _ of untilFailed(
    three(() => {
      ended = true;
    }),
    { device: healthy },
  ))
    break;
  expect(ended).toBe(true);
});
