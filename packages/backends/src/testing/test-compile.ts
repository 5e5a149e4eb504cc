import { type Compile, feed, valueAndGrads } from '@minigpt/core';
import { geluTanh, layerNorm, linear } from '@minigpt/ops';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

/** What is given to a step, a number a row. */
const column = (numbers: () => number[]) =>
  feed(() => ({ dtype: 'float32', shape: [numbers().length, 1], data: Float32Array.from(numbers()) }));

const factor = (make: () => number) =>
  feed(() => ({ dtype: 'float32', shape: [], data: Float32Array.of(make()) }));

export interface TestCompileOptions {
  readonly start: () => Promise<unknown>;
  /** By name, where the backend has more than one way to compile; the first is used where any will do. */
  readonly compilers: Readonly<Record<string, Compile>>;
  /** Left out where the backend runs. */
  readonly skip?: boolean;
}

/** What every compiler of a backend keeps to, as a vitest suite. */
export function testCompile(title: string, { start, compilers, skip = false }: TestCompileOptions): void {
  const [compile] = Object.values(compilers);

  describe.skipIf(skip)(title, () => {
    let weight: tf.Variable<tf.Rank.R2>;
    let before: number;

    beforeAll(async () => {
      await start();
    });
    beforeEach(() => {
      before = tf.memory().numTensors;
      weight = tf.tidy(() => tf.variable(tf.tensor2d([1, 2], [1, 2])));
    });
    afterEach(() => {
      weight.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    /** Linear regression of y on two x, a row a step; the loss before the step. */
    function regression(rate: () => number, row: () => number[]) {
      return () =>
        tf.tidy(() => {
          const x = feed(() => ({
            dtype: 'float32',
            shape: [1, 2],
            data: Float32Array.from(row().slice(0, 2)),
          }));
          const y = feed(() => ({ dtype: 'float32', shape: [1, 1], data: Float32Array.of(row()[2]) }));
          const eta = feed(() => ({ dtype: 'float32', shape: [], data: Float32Array.of(rate()) }));
          const loss = () => tf.sum(tf.square(tf.sub(linear(x as tf.Tensor2D, weight), y))) as tf.Scalar;
          const { value, grads } = valueAndGrads(loss, new Map([['weight', weight]]));
          weight.assign(tf.sub(weight, tf.mul(grads.get('weight')!, eta)));
          return [value];
        });
    }

    /** The same in float64. */
    function expected(steps: number, rate: (step: number) => number, row: (step: number) => number[]) {
      const w = [1, 2];
      const losses: number[] = [];
      for (let step = 0; step < steps; step++) {
        const [a, b, y] = row(step);
        const error = a * w[0] + b * w[1] - y;
        losses.push(error ** 2);
        w[0] -= rate(step) * 2 * error * a;
        w[1] -= rate(step) * 2 * error * b;
      }
      return { losses, weight: w };
    }

    const rateOf = (step: number) => 0.1 / (step + 1);
    const rowOf = (step: number) => [Math.sin(step), Math.cos(step), step % 3];

    for (const [name, compileSo] of Object.entries(compilers)) {
      it(`takes what is fed anew in each run and keeps variables between runs: ${name}`, () => {
        let step = 0;
        const compiled = compileSo(
          regression(
            () => rateOf(step),
            () => rowOf(step),
          ),
        );
        const losses: number[] = [];
        const reference = expected(8, rateOf, rowOf);
        for (; step < 8; step++) {
          const [loss] = compiled.run();
          losses.push(loss.dataSync()[0]);
          loss.dispose();
        }
        for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(reference.losses[i], 5);
        for (const [i, value] of weight.dataSync().entries())
          expect(value).toBeCloseTo(reference.weight[i], 5);
        compiled.dispose();
        for (const [i, value] of weight.dataSync().entries())
          expect(value).toBeCloseTo(reference.weight[i], 5);
      });
    }

    it('sees what is assigned between runs, shows what runs assign, and leaves copies as they were', () => {
      const doubled = compile(() => {
        tf.tidy(() => weight.assign(tf.mul(weight, tf.sum(column(() => [2])))));
        return [];
      });
      const values = () => Array.from(weight.dataSync());
      for (let run = 0; run < 4; run++) doubled.run();
      const copy = weight.clone();
      doubled.run();
      expect(values()).toEqual([32, 64]);
      expect(Array.from(copy.dataSync())).toEqual([16, 32]);
      tf.tidy(() => weight.assign(tf.tensor2d([5, 7], [1, 2])));
      doubled.run();
      doubled.run();
      expect(values()).toEqual([20, 28]);
      expect(tf.tidy(() => Array.from(tf.add(weight, 1).dataSync()))).toEqual([21, 29]);
      doubled.dispose();
      expect(values()).toEqual([20, 28]);
      copy.dispose();
    });

    it('makes one pass of the passes of a kernel over large tensors, as of one layer so of the next', () => {
      let step = 0;
      const [shape, size] = [[64, 256], 64 * 256];
      const ones = tf.ones<tf.Rank.R1>([256]);
      const layers = () =>
        tf.tidy(() => {
          const data = () => Float32Array.from({ length: size }, (_, i) => Math.sin(i + step));
          const x = feed(() => ({ dtype: 'float32', shape, data: data() })) as tf.Tensor2D;
          return [layerNorm(geluTanh(layerNorm(x, ones, ones)), ones, ones)] as tf.Tensor[];
        });
      const compiled = compile(layers);
      for (; step < 4; step++) {
        const [[actual], [wanted]] = [compiled.run(), layers()];
        const worst = tf.tidy(() => tf.max(tf.abs(tf.sub(actual, wanted))).dataSync()[0]);
        expect(worst).toBeLessThan(2e-6);
        tf.dispose([actual, wanted]);
      }
      compiled.dispose();
      ones.dispose();
    });

    it('scatters into the memory of a variable, and what was read or copied before stays as it was', () => {
      let step = 0;
      const ring = tf.tidy(() => tf.variable(tf.zeros([2, 3, 2])));
      const writing = compile(() =>
        tf.tidy(() => {
          const places = feed(() => ({
            dtype: 'int32',
            shape: [2, 2],
            data: Int32Array.of(0, step % 3, 1, (step + 1) % 3),
          }));
          const fresh = feed(() => ({
            dtype: 'float32',
            shape: [2, 2],
            data: Float32Array.of(step, step + 0.5, -step, 9),
          }));
          ring.assign(tf.tensorScatterUpdate(ring, places, fresh));
          return [tf.sum(ring)] as tf.Tensor[];
        }),
      );
      const expected = new Float32Array(12);
      const sums: number[] = [];
      const copies: [tf.Tensor, number[]][] = [];
      for (; step < 8; step++) {
        expected.set([step, step + 0.5], 2 * (step % 3));
        expected.set([-step, 9], 6 + 2 * ((step + 1) % 3));
        const [sum] = writing.run();
        sums.push(sum.dataSync()[0] - expected.reduce((a, b) => a + b, 0));
        sum.dispose();
        if (step === 5) {
          expected.fill(1);
          tf.tidy(() => ring.assign(tf.ones([2, 3, 2])));
        }
        if (step % 2 === 1) copies.push([ring.clone(), [...expected]]);
        if (step === 4) expect([...ring.dataSync()]).toEqual([...expected]);
      }
      expect(sums).toEqual(new Array(8).fill(0));
      writing.dispose();
      expect([...ring.dataSync()]).toEqual([...expected]);
      for (const [copy, values] of copies) expect([...copy.dataSync()]).toEqual(values);
      for (const [copy] of copies) copy.dispose();
      ring.dispose();
    });

    it('refuses a step that reads a tensor, and says what gave it', () => {
      const reading = compile(() => {
        tf.square(weight).dataSync();
        return [];
      });
      expect(() => reading.run()).toThrow(/what Square gave is read on the host/);
      expect(Array.from(weight.dataSync())).toEqual([1, 2]);
    });

    it('refuses host data that change without being fed, and takes the step back', () => {
      let rate = 1;
      const careless = compile(() => {
        tf.tidy(() => weight.assign(tf.sub(weight, tf.scalar(rate))));
        return [];
      });
      careless.run();
      expect(Array.from(weight.dataSync())).toEqual([0, 1]);
      rate = 2;
      expect(() => careless.run()).toThrow(/^Sub reads a tensor \[\] of host data that changes .*feed\(/);
      expect(Array.from(weight.dataSync())).toEqual([0, 1]);
    });

    it('refuses a step that computes something else the next time', () => {
      let odd = false;
      const moody = compile(() => [tf.tidy(() => (odd ? tf.square(weight) : tf.exp(weight)))]);
      tf.dispose(moody.run());
      odd = true;
      expect(() => moody.run()).toThrow(/one run computed Exp, the next computed Square/);
    });

    it('leaves variables alone in a step whose results are not finite', () => {
      let by = 2;
      const guarded = compile(
        () =>
          tf.tidy(() => {
            const product = tf.mul<tf.Tensor2D>(
              weight,
              factor(() => by),
            );
            weight.assign(product);
            return [tf.sum(product)] as tf.Tensor[];
          }),
        { onlyIfFinite: true },
      );
      const run = () => {
        const [sum] = guarded.run();
        const [value] = sum.dataSync();
        sum.dispose();
        return value;
      };
      expect([run(), run(), run()]).toEqual([6, 12, 24]);
      by = Number.POSITIVE_INFINITY;
      expect(run()).toBe(Number.POSITIVE_INFINITY);
      expect(Array.from(weight.dataSync())).toEqual([8, 16]);
      by = 0.5;
      expect(run()).toBe(12);
      expect(Array.from(weight.dataSync())).toEqual([4, 8]);
      guarded.dispose();
    });

    it('says which index is none, and has not taken the step then', () => {
      let id = 0;
      const looking = compile(() => {
        const ids = feed(() => ({ dtype: 'int32', shape: [1], data: Int32Array.of(id) }));
        tf.tidy(() => weight.assign(tf.add(weight, tf.gather(weight, ids))));
        return [ids];
      });
      for (let run = 0; run < 3; run++) tf.dispose(looking.run());
      expect(Array.from(weight.dataSync())).toEqual([8, 16]);
      id = 7;
      expect(() => looking.run()).toThrow(/compiled step .*7 is not in \[0, /);
      expect(Array.from(weight.dataSync())).toEqual([8, 16]);
      looking.dispose();
    });

    it('traces anew for feeds of other shapes, and keeps both programs', () => {
      let numbers = [1, 2];
      const summing = compile(
        () => [tf.tidy(() => tf.add(tf.sum(column(() => numbers)), tf.sum(weight)))] as tf.Tensor[],
      );
      const run = () => {
        const [sum] = summing.run();
        const [value] = sum.dataSync();
        sum.dispose();
        return value;
      };
      for (let round = 0; round < 4; round++) {
        numbers = [round, 2];
        expect(run()).toBe(round + 5);
        numbers = [round, 2, 3];
        expect(run()).toBe(round + 8);
      }
      summing.dispose();
    });
  });
}
