import {
  backendCompiler,
  type Compile,
  dispose as disposeModel,
  parameters,
  Rng,
  toHost,
} from '@minigpt/core';
import { batches, windows } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import type { Variable } from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { adamW } from './adam-w.ts';
import type { Optimizer } from './optimizer.ts';
import { warmupCosine } from './schedules.ts';
import { sgd } from './sgd.ts';
import { type TrainOptions, train } from './train.ts';

const tokens = Uint16Array.from(new Rng(3).integers(300, 11));

/** Ten steps of a small GPT with dropout: its numbers and, afterwards, its parameters. */
async function tenSteps(
  options: Partial<TrainOptions>,
  optimizerOf: (parameters: ReadonlyMap<string, Variable>) => Optimizer,
  { batchSize = 4, dropout = 0.1 } = {},
) {
  const rng = new Rng(5);
  const model = new GPT({ vocabSize: 11, blockSize: 8, nLayer: 2, nHead: 2, nEmbd: 16, dropout, rng });
  const optimizer = optimizerOf(parameters(model));
  const numbers: number[][] = [];
  for await (const event of train({
    model,
    optimizer,
    batch: batches({ tokens, blockSize: 8, batchSize, rng: rng.fold('batches') }),
    validation: windows({ tokens: tokens.subarray(0, 40), blockSize: 8, batchSize: 2 }),
    evalInterval: 4,
    schedule: warmupCosine({ learningRate: 0.003, warmupIters: 3, lrDecayIters: 10 }),
    maxIters: 10,
    gradClip: 0.5,
    ...options,
  })) {
    numbers.push(
      'gradNorm' in event ? [event.loss, event.gradNorm] : [event.step, (event as { loss: number }).loss],
    );
  }
  const after = new Map<string, Awaited<ReturnType<typeof toHost>>>();
  for (const [name, value] of parameters(model)) after.set(name, await toHost(value));
  optimizer.dispose();
  disposeModel(model);
  return { numbers, after };
}

const cases = {
  'AdamW, 3 micro-batches': [
    { gradientAccumulationSteps: 3 },
    // With an eps at which Adam does not make steps of the rounding noise in gradients that are 0.
    (parameters) => adamW({ parameters, weightDecay: 0.1, eps: 1e-4 }),
  ],
  'SGD with momentum, not clipped, recomputing activations': [
    { gradClip: 0, checkpointing: true },
    (parameters) => sgd({ parameters, momentum: 0.9, nesterov: true }),
  ],
} satisfies Record<string, Parameters<typeof tenSteps>>;

/** How far a parameter may be after ten steps: sums are taken in another order. */
const tolerance = { absolute: 2e-6, relative: 2e-6 };

async function expectEqualSteps(
  compiled: Awaited<ReturnType<typeof tenSteps>>,
  plain: Awaited<ReturnType<typeof tenSteps>>,
  exact = false,
) {
  expect(compiled.numbers.length).toBe(plain.numbers.length);
  for (const [i, pair] of plain.numbers.entries()) {
    for (const [j, number] of pair.entries()) {
      const distance = Math.abs(compiled.numbers[i][j] - number);
      expect(distance, `event ${i}`).toBeLessThanOrEqual(exact ? 0 : 4e-6);
    }
  }
  for (const [parameter, value] of plain.after) {
    if (exact) expect(compiled.after.get(parameter), parameter).toEqual(value);
    if (/attn\.c_attn\.bias/.test(parameter)) continue; // the keys' have no gradient but rounding noise
    await expectClose(compiled.after.get(parameter)!, value, tolerance, parameter);
  }
}

describeOnBackends(
  'ten compiled steps',
  (backend) => {
    for (const [name, args] of Object.entries(cases)) {
      it(`equal plain ones in losses, norms, evaluations and parameters: ${name}`, async () => {
        const [options, optimizerOf] = args as Parameters<typeof tenSteps>;
        const plain = await tenSteps({ ...options, compile: false }, optimizerOf);
        const compiled = await tenSteps({ ...options, compile: true }, optimizerOf);
        // WebAssembly runs the same kernels in another order.
        await expectEqualSteps(compiled, plain, backend === 'wasm');
      });
    }

    // Two parts of 256 tokens.
    const [options, optimizerOf] = cases['AdamW, 3 micro-batches'];
    const ofTwoParts = { ...options, gradientAccumulationSteps: 1 };
    const twoAtOnce: Compile = Object.assign<Compile, object>(
      (step, options) => backendCompiler()!(step, options),
      { parallelism: 2 },
    );

    it.each([
      ['computes two halves of a batch at once', 0, '32,8'],
      ['leaves a batch whole that has dropout masks', 0.1, '64,8'],
    ])('%s, and equals plain steps', async (_, dropout, shape) => {
      const size = { batchSize: 64, dropout };
      const plain = await tenSteps({ ...ofTwoParts, compile: false }, optimizerOf, size);
      const calls = vi.spyOn(GPT.prototype, 'call');
      const compiled = await tenSteps({ ...ofTwoParts, compile: twoAtOnce }, optimizerOf, size);
      const training = calls.mock.calls.filter(([, ctx]) => ctx?.training);
      calls.mockRestore();
      expect(training.at(-1)![0].shape.join()).toBe(shape);
      await expectEqualSteps(compiled, plain);
    });
  },
  ['node', 'wasm'],
);

describe('compiled steps', () => {
  it('are refused where the backend has no compiler, if they were asked for', async () => {
    await import('@minigpt/backends/cpu').then(({ start }) => start());
    const sgdOf = (all: ReadonlyMap<string, Variable>) => sgd({ parameters: all });
    await expect(tenSteps({ compile: true }, sgdOf)).rejects.toThrow('cpu cannot');
    await expect(tenSteps({ compile: 'auto', maxIters: 1 }, sgdOf)).resolves.toBeDefined();
  });
});
