import {
  ConfigError,
  fromHost,
  type HostTensor,
  parameter,
  Rng,
  StateDictError,
  toHost,
} from '@minigpt/core';
import type { Optimizer } from '@minigpt/training';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeOnBackends, startBackend } from './backends.ts';
import { expectClose, type Tolerance } from './close.ts';
import { randomNormal } from './random.ts';

export interface TestOptimizerOptions {
  /** A rate at which the optimizer gets down a round bowl, Σ p² / 2, within 30 steps. */
  readonly learningRate?: number;
  /** How far parameters may lie from those of the cpu backend after five steps. */
  readonly acrossBackends?: Tolerance;
}

type Parameters = ReadonlyMap<string, tf.Variable>;

/**
 * What every optimizer of this project keeps to, as a vitest suite: it gets downhill, goes on exactly where a saved one
 * stopped, leaves frozen and unnamed parameters alone, leaks nothing, and does the same on every backend.
 *
 *     testOptimizer('AdamW', (parameters) => adamW({ parameters }));
 */
export function testOptimizer(
  name: string,
  make: (parameters: Parameters) => Optimizer,
  { learningRate = 0.1, acrossBackends = { absolute: 1e-6, relative: 1e-6 } }: TestOptimizerOptions = {},
): void {
  const shapes = { matrix: [3, 4], vector: [5] };

  function bowl(): Map<string, tf.Variable> {
    return new Map(
      Object.entries(shapes).map(([key, shape]) => [
        key,
        parameter(fromHost(randomNormal(shape, new Rng(1).fold(key)))),
      ]),
    );
  }

  /** The gradient of Σ p² / 2 is p. */
  function descend(optimizer: Optimizer, parameters: Parameters, steps: number): void {
    for (let i = 0; i < steps; i++) {
      const grads = new Map([...parameters].map(([key, p]) => [key, tf.clone(p as tf.Tensor)]));
      try {
        optimizer.step(grads, learningRate);
      } finally {
        tf.dispose([...grads.values()]);
      }
    }
  }

  async function values(variables: Parameters): Promise<Map<string, HostTensor>> {
    const onHost = new Map<string, HostTensor>();
    for (const [key, variable] of variables) onHost.set(key, await toHost(variable));
    return onHost;
  }

  const height = (state: ReadonlyMap<string, HostTensor>) =>
    [...state.values()].flatMap(({ data }) => Array.from(data)).reduce((sum, p) => sum + p * p, 0);

  describeOnBackends(`optimizer ${name}`, (backend) => {
    /** Runs a check on fresh parameters and a fresh optimizer, and expects that nothing is left. */
    const check = (title: string, body: (optimizer: Optimizer, parameters: Parameters) => Promise<void>) =>
      it(title, async () => {
        const before = tf.memory().numTensors;
        const parameters = bowl();
        const optimizer = make(parameters);
        await body(optimizer, parameters);
        optimizer.dispose();
        tf.dispose([...parameters.values()]);
        expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
      });

    check('gets downhill and counts its steps', async (optimizer, parameters) => {
      const start = height(await values(parameters));
      descend(optimizer, parameters, 30);
      expect(optimizer.stepCount).toBe(30);
      expect(height(await values(parameters))).toBeLessThan(start / 2);
    });

    check('makes no tensors from the second step on', async (optimizer, parameters) => {
      descend(optimizer, parameters, 1);
      const after1 = tf.memory().numTensors;
      descend(optimizer, parameters, 10);
      expect(tf.memory().numTensors).toBe(after1);
    });

    check('goes on bit for bit where a saved one stopped', async (optimizer, parameters) => {
      descend(optimizer, parameters, 3);
      const [state, reached] = [await values(optimizer.variables()), await values(parameters)];
      descend(optimizer, parameters, 3);

      const again = bowl();
      for (const [key, p] of again) tf.tidy(() => p.assign(fromHost(reached.get(key)!)));
      const resumed = make(again);
      resumed.restore(state, 3);
      descend(resumed, again, 3);
      expect(resumed.stepCount).toBe(6);
      expect(await values(again)).toEqual(await values(parameters));
      expect(await values(resumed.variables())).toEqual(await values(optimizer.variables()));
      resumed.dispose();
      tf.dispose([...again.values()]);
    });

    check('refuses state that is not its own', async (optimizer) => {
      const foreign = new Map([
        ['lost', { dtype: 'float32' as const, shape: [1], data: new Float32Array(1) }],
      ]);
      expect(() => optimizer.restore(foreign, 1)).toThrow(StateDictError);
      expect(optimizer.stepCount).toBe(0);
    });

    check('leaves a parameter without a gradient as it is', async (optimizer, parameters) => {
      const before = await values(parameters);
      descend(optimizer, new Map([['vector', parameters.get('vector')!]]), 2);
      const after = await values(parameters);
      expect(after.get('matrix')).toEqual(before.get('matrix'));
      expect(after.get('vector')).not.toEqual(before.get('vector'));
    });

    check('keeps no state for frozen parameters, and refuses their gradients', async (_, parameters) => {
      parameters.get('matrix')!.trainable = false;
      const optimizer = make(parameters);
      const names = [...optimizer.variables().keys()];
      expect(names.filter((key) => key.startsWith('matrix'))).toEqual([]);
      expect(() => descend(optimizer, parameters, 1)).toThrow(ConfigError);
      optimizer.dispose();
    });

    if (backend === 'cpu') return;
    check('does what it does on cpu', async (optimizer, parameters) => {
      descend(optimizer, parameters, 5);
      const here = await values(parameters);
      await startBackend('cpu');
      const reference = bowl();
      const other = make(reference);
      descend(other, reference, 5);
      for (const [key, value] of await values(reference))
        await expectClose(here.get(key)!, value, acrossBackends, key);
      other.dispose();
      tf.dispose([...reference.values()]);
      await startBackend(backend);
    });
  });
}
