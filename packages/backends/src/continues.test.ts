import { existsSync } from 'node:fs';
import { startBackend, type TestedBackend } from '@minigpt/testing';
import { expect, it, type TestContext } from 'vitest';
import { NEEDS_CHROMIUM, serveInChromium } from '../../../chromium.shared.ts';
import { chromiumPath } from '../../../vitest.shared.ts';
import { BackendUnavailableError } from './errors.ts';
import { type Leg, type SavedFiles, trainLeg } from './testing/training-leg.ts';

type TrainLeg = (maxIters: number, from?: SavedFiles) => Promise<Leg>;

const on =
  (backend: TestedBackend): TrainLeg =>
  async (...args) => {
    await startBackend(backend);
    return trainLeg(...args);
  };

const onWebGLInChromium: TrainLeg = async (maxIters, from) => {
  const pages = await serveInChromium(new URL('testing/leg-page.ts', import.meta.url));
  try {
    const page = await pages.open();
    return await page.evaluate<Leg>(`continueOnWebGL(${maxIters}, ${JSON.stringify(from)})`);
  } finally {
    await pages.close();
  }
};

/** 50 steps a leg, each from the checkpoint of the one before. @returns the loss of every step */
async function losses(legs: readonly TrainLeg[]): Promise<number[]> {
  const seen: number[] = [];
  let files: SavedFiles | undefined;
  for (const [i, leg] of legs.entries()) {
    const ended = await leg(50 * (i + 1), files);
    seen.push(...ended.losses);
    files = ended.files;
  }
  return seen;
}

/** Skips unless these backends start here. */
async function need(skip: TestContext['skip'], backends: readonly TestedBackend[], how: string) {
  try {
    for (const backend of backends) await startBackend(backend);
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    skip(how);
  }
}

async function expectLossesOfWasm(legs: readonly TrainLeg[]): Promise<void> {
  const moved = await losses(legs);
  const alone = await losses(legs.map(() => on('wasm')));
  expect(alone.at(-1)!).toBeLessThan(alone[0]);
  expect(moved).toHaveLength(150);
  const differences = moved.map((loss, step) => Math.abs(loss - alone[step]));
  expect(Math.max(...differences)).toBeLessThan(1e-3);
}

it('a run that goes on from wasm to TensorFlow to WebGPU has the losses of one on wasm alone', async ({
  skip,
}) => {
  await need(
    skip,
    ['node', 'webgpu'],
    'needs TensorFlow and Vulkan: pnpm minigpt tensorflow; apt-get install chromium libvulkan1',
  );
  await expectLossesOfWasm([on('wasm'), on('node'), on('webgpu')]);
}, 240_000);

const installed = existsSync(chromiumPath);

it.skipIf(!installed)(
  `a run that goes on from wasm to TensorFlow to WebGL in Chromium has them too ${installed ? '' : NEEDS_CHROMIUM}`.trim(),
  async ({ skip }) => {
    await need(skip, ['node'], 'needs TensorFlow: pnpm minigpt tensorflow');
    await expectLossesOfWasm([on('wasm'), on('node'), onWebGLInChromium]);
  },
  240_000,
);
