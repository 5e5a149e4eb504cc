import { dispose, parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { startBackend, type TestedBackend } from '@minigpt/testing';
import { adamW, constant, restoreState, type TrainingState, train } from '@minigpt/training';
import { expect, it } from 'vitest';
import { BackendUnavailableError } from './errors.ts';

/** 50 steps on each backend in turn, each from the state that the one before it saved. @returns the loss of every step */
async function losses(backends: readonly TestedBackend[]): Promise<number[]> {
  const seen: number[] = [];
  let saved: TrainingState | undefined;
  for (const [i, backend] of backends.entries()) {
    await startBackend(backend);
    const rng = new Rng(5);
    const shape = { vocabSize: 11, blockSize: 8, nLayer: 1, nHead: 2, nEmbd: 8, dropout: 0.1 };
    const model = new GPT({ ...shape, rng: rng.fold('model') });
    const optimizer = adamW({ parameters: parameters(model) });
    if (saved !== undefined) restoreState({ model, optimizer }, saved);
    const tokens = Uint16Array.from({ length: 300 }, (_, j) => j ** 2 % 11);
    for await (const event of train({
      model,
      optimizer,
      batch: batches({ tokens, blockSize: 8, batchSize: 4, rng }),
      schedule: constant(3e-3),
      maxIters: 50 * (i + 1),
      compile: false,
      save: async (state) => {
        saved = state;
      },
    })) {
      if (event.type === 'step') seen.push(event.loss);
    }
    dispose(model);
    optimizer.dispose();
  }
  return seen;
}

it('a run that goes on from wasm to TensorFlow to WebGPU has the losses of one on wasm alone', async ({
  skip,
}) => {
  try {
    for (const backend of ['node', 'webgpu'] as const) await startBackend(backend);
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    skip('needs TensorFlow and Vulkan: pnpm minigpt tensorflow; apt-get install chromium libvulkan1');
  }
  const alone = await losses(['wasm', 'wasm', 'wasm']);
  const moved = await losses(['wasm', 'node', 'webgpu']);
  expect(alone.at(-1)!).toBeLessThan(alone[0]);
  expect(moved).toHaveLength(150);
  const differences = moved.map((loss, step) => Math.abs(loss - alone[step]));
  expect(Math.max(...differences)).toBeLessThan(1e-3);
}, 120_000);
