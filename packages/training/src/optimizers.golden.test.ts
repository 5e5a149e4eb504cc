import { fromHost, type HostTensor, parameter } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import { dispose, memory, type Variable } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { adamW } from './adam-w.ts';
import { clipGradsByGlobalNorm } from './clip-grads.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';
import { hostTensor, readFixture, row } from './testing/fixtures.ts';

/** As `torch.optim` spells them. */
interface RunOptions {
  readonly lr: number;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weight_decay?: number;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly clip_grad_norm?: number;
}

/** `init` by parameter, gradients `[steps, ...]`, and parameters after each step `[steps, ...]`. */
interface Trajectory {
  readonly init: ReadonlyMap<string, HostTensor>;
  readonly grads: ReadonlyMap<string, HostTensor>;
  readonly after: ReadonlyMap<string, HostTensor>;
  readonly norms: readonly number[] | undefined;
}

/** The tolerance, 1e-6 + 1e-6 · |expected|: differences are counted in it. At most 0.52 of it is used. */
const unit = (expected: number) => 1e-6 + 1e-6 * Math.abs(expected);

function makeOptimizer(parameters: ReadonlyMap<string, Variable>, options: RunOptions): Optimizer {
  const { momentum, nesterov, weight_decay: weightDecay = 0, betas, eps } = options;
  if (betas !== undefined) return adamW({ parameters, betas, eps, weightDecay, decays: () => true });
  return sgd({ parameters, momentum, nesterov, weightDecay });
}

/** Replays a trajectory; returns the largest difference of any parameter after any step, in units, and of any norm. */
async function replay(options: RunOptions, { init, grads, after, norms }: Trajectory) {
  const before = memory().numTensors;
  const parameters = new Map([...init].map(([name, value]) => [name, parameter(fromHost(value))]));
  const optimizer = makeOptimizer(parameters, options);
  const steps = [...grads.values()][0].shape[0];
  const worst = { parameter: 0, norm: 0 };
  for (let step = 0; step < steps; step++) {
    const raw = new Map([...grads].map(([name, value]) => [name, fromHost(row(value, step))]));
    if (options.clip_grad_norm === undefined) {
      optimizer.step(raw, options.lr);
    } else {
      const clipped = clipGradsByGlobalNorm(raw, options.clip_grad_norm);
      const expected = norms?.[step] as number;
      worst.norm = Math.max(worst.norm, Math.abs((await clipped.norm.data())[0] - expected) / unit(expected));
      optimizer.step(clipped.grads, options.lr);
      dispose([clipped.norm, ...clipped.grads.values()]);
    }
    dispose([...raw.values()]);
    for (const [name, variable] of parameters) {
      const expected = row(after.get(name) as HostTensor, step).data;
      const actual = await variable.data();
      expect(actual.length).toBe(expected.length);
      for (let i = 0; i < expected.length; i++) {
        const difference = Math.abs(actual[i] - expected[i]) / unit(expected[i]);
        if (!(difference <= worst.parameter)) worst.parameter = difference;
      }
    }
  }
  expect(optimizer.stepCount).toBe(steps);
  optimizer.dispose();
  dispose([...parameters.values()]);
  expect(memory().numTensors).toBe(before);
  return worst;
}

interface Fixture {
  readonly steps: number;
  readonly shapes: Record<string, number[]>;
  readonly init: Record<string, number[]>;
  readonly grads: Record<string, number[]>;
  readonly runs: Record<
    string,
    { options: RunOptions; after: Record<string, number[]>; norms_before_clip?: number[] }
  >;
}

describeOnBackends('optimizers against PyTorch', () => {
  const fixture = readFixture<Fixture>('optimizers.json');
  const tensors = (values: Record<string, number[]>, ...leading: number[]) =>
    new Map(
      Object.entries(values).map(([name, numbers]) => [
        name,
        hostTensor([...leading, ...fixture.shapes[name]], numbers),
      ]),
    );
  for (const [name, run] of Object.entries(fixture.runs)) {
    it(`${name}: 12 steps of our own fixture`, async () => {
      const worst = await replay(run.options, {
        init: tensors(fixture.init),
        grads: tensors(fixture.grads, fixture.steps),
        after: tensors(run.after, fixture.steps),
        norms: run.norms_before_clip,
      });
      expect(worst.parameter).toBeLessThanOrEqual(1);
      expect(worst.norm).toBeLessThanOrEqual(1);
    });
  }

  const folder = referenceData();
  const golden = [
    'sgd',
    'sgd_momentum',
    'sgd_nesterov',
    'sgd_momentum_wd',
    'sgd_clip_norm_1',
    'sgd_clip_norm_5',
    'adam',
    'adamw',
    'adamw_big_eps',
    'adamw_clip_norm_1',
  ];
  for (const name of golden) {
    it.skipIf(folder === undefined)(`${name}: 20 steps ${folder ? '' : NEEDS_REFERENCE_DATA}`, async () => {
      const values = readReferenceTensors(`${folder}/golden/optim/trajectories.safetensors`);
      const { optimisers } = readReferenceJson<{
        optimisers: Record<string, { options: RunOptions; norms_before_clip?: number[] }>;
      }>(`${folder}/golden/optim/trajectories.json`);
      const of = (prefix: string) =>
        new Map(['w', 'b', 'k'].map((key) => [key, values.get(`${prefix}.${key}`) as HostTensor]));
      const { options, norms_before_clip: norms } = optimisers[name];
      const worst = await replay(options, { init: of('init'), grads: of('grad'), after: of(name), norms });
      expect(worst.parameter).toBeLessThanOrEqual(1);
      expect(worst.norm).toBeLessThanOrEqual(1);
    });
  }
});
