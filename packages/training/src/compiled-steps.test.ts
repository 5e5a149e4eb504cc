import { dispose as disposeModel, parameters, Rng, toHost } from '@minigpt/core';
import { batches, windows } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { describeOnBackends, expectClose } from '@minigpt/testing';
import type { Variable } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
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
) {
  const rng = new Rng(5);
  const model = new GPT({ vocabSize: 11, blockSize: 8, nLayer: 2, nHead: 2, nEmbd: 16, dropout: 0.1, rng });
  const optimizer = optimizerOf(parameters(model));
  const numbers: number[][] = [];
  for await (const event of train({
    model,
    optimizer,
    batch: batches({ tokens, blockSize: 8, batchSize: 4, rng: rng.fold('batches') }),
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

describeOnBackends(
  'ten compiled steps',
  (backend) => {
    // WebAssembly runs the same kernels in another order.
    const exact = backend === 'wasm';
    for (const [name, args] of Object.entries(cases)) {
      it(`equal plain ones in losses, norms, evaluations and parameters: ${name}`, async () => {
        const [options, optimizerOf] = args as Parameters<typeof tenSteps>;
        const plain = await tenSteps({ ...options, compile: false }, optimizerOf);
        const compiled = await tenSteps({ ...options, compile: true }, optimizerOf);
        expect(compiled.numbers.length).toBe(plain.numbers.length);
        for (const [i, pair] of plain.numbers.entries()) {
          for (const [j, number] of pair.entries()) {
            expect(Math.abs(compiled.numbers[i][j] - number), `event ${i}`).toBeLessThanOrEqual(
              exact ? 0 : 4e-6,
            );
          }
        }
        for (const [parameter, value] of plain.after) {
          if (exact) expect(compiled.after.get(parameter), parameter).toEqual(value);
          if (/attn\.c_attn\.bias/.test(parameter)) continue; // the keys' have no gradient but rounding noise
          await expectClose(
            compiled.after.get(parameter)!,
            value,
            { absolute: 2e-6, relative: 2e-6 },
            parameter,
          );
        }
      });
    }
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
