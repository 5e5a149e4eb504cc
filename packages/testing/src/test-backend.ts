import { memory } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { describeStarted, startBackend, type TestedBackend } from './backends.ts';
import { expectClose, type Tolerance } from './close.ts';
import { families, measureFamily } from './families.ts';
import { measureOperation, operations } from './operations.ts';

export interface TestBackendOptions {
  /** Starts the backend; that of `@minigpt/backends` of the same name unless told. */
  readonly start?: () => Promise<unknown>;
  /** How far values and gradients may lie from those of the cpu backend. */
  readonly tolerance?: Tolerance;
}

/**
 * What every backend of this project keeps to, as a vitest suite. Each operation of `@minigpt/ops`, its own kernel or not, has
 * the values and gradients of the cpu backend, on shapes that are multiples of nothing; each family of models has its logits and
 * gradients, and its losses in three steps of training, dropout included; nothing leaks.
 *
 *     testBackend('webgl', { start: () => import('@minigpt/backends/webgl').then(({ start }) => start()) });
 */
export function testBackend(name: string, options: TestBackendOptions = {}): void {
  const {
    start = () => startBackend(name as TestedBackend),
    tolerance = { absolute: 3e-6, relative: 3e-6 },
  } = options;

  /** Measures here and on cpu; leaves this backend started. */
  async function onBoth<T>(measure: () => Promise<T>): Promise<{ readonly here: T; readonly reference: T }> {
    const before = memory().numTensors;
    const here = await measure();
    expect(memory().numTensors, 'tensors left behind').toBe(before);
    await startBackend('cpu');
    const reference = await measure();
    await start();
    return { here, reference };
  }

  describeStarted(`backend ${name}`, start, () => {
    for (const [operation, cases] of Object.entries(operations)) {
      it(`${operation} and its gradients are those of cpu`, async () => {
        for (const variant of cases) {
          const { here, reference } = await onBoth(() => measureOperation(variant));
          for (const [what, value] of reference) {
            const title = `${what} for [${variant.shapes.join('], [')}]`;
            await expectClose(here.get(what)!, value, tolerance, title);
          }
        }
      });
    }

    for (const family of Object.keys(families)) {
      it(`${family}: logits, gradients and three steps of training are those of cpu`, async () => {
        const { here, reference } = await onBoth(() => measureFamily(family, 3));
        await expectClose(here.logits, reference.logits, tolerance, 'logits');
        expect([...here.gradients.keys()]).toEqual([...reference.gradients.keys()]);
        for (const [key, gradient] of reference.gradients)
          await expectClose(here.gradients.get(key)!, gradient, tolerance, `gradient of ${key}`);
        await expectClose(losses(here), losses(reference), tolerance, 'losses of three steps');
      });
    }
  });
}

const losses = (run: { readonly losses: readonly number[] }) => ({
  dtype: 'float32' as const,
  shape: [run.losses.length],
  data: Float32Array.from(run.losses),
});
