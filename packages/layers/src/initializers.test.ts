import '@tensorflow/tfjs-backend-cpu';
import { dispose, Rng } from '@minigpt/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Embedding, type Initializer, Linear, normal, ones, uniform, zeros } from './index.ts';

const COUNT = 40_000;

function moments(values: Float32Array): { mean: number; std: number; least: number; most: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return { mean, std: Math.sqrt(variance), least, most };
}

function drawn(init: Initializer): Float32Array {
  const made = init([200, COUNT / 200], new Rng(3));
  const values = made.dataSync<'float32'>();
  made.dispose();
  return values;
}

it('zeros and ones are constant', () => {
  expect(moments(drawn(zeros))).toEqual({ mean: 0, std: 0, least: 0, most: 0 });
  expect(moments(drawn(ones))).toEqual({ mean: 1, std: 0, least: 1, most: 1 });
});

it('normal has the standard deviation that it is given', () => {
  const { mean, std } = moments(drawn(normal(0.02)));
  expect(Math.abs(mean)).toBeLessThan((5 * 0.02) / Math.sqrt(COUNT));
  expect(Math.abs(std / 0.02 - 1)).toBeLessThan(5 / Math.sqrt(2 * COUNT));
});

it('uniform fills its interval evenly', () => {
  const { mean, std, least, most } = moments(drawn(uniform(0.5)));
  expect(Math.abs(mean)).toBeLessThan((5 * 0.29) / Math.sqrt(COUNT));
  expect(Math.abs(std - 1 / Math.sqrt(12))).toBeLessThan(5e-3);
  expect([least >= -0.5, least < -0.499, most <= 0.5, most > 0.499]).toEqual([true, true, true, true]);
});

it('the defaults are PyTorch’s: Linear within ±1/√inFeatures, Embedding standard normal', () => {
  const rng = new Rng(1);
  const linear = new Linear({ inFeatures: 64, outFeatures: 100, rng });
  for (const parameter of [linear.weight, linear.bias as Tensor]) {
    const { least, most } = moments(parameter.dataSync<'float32'>());
    expect(least).toBeGreaterThanOrEqual(-1 / 8);
    expect(most).toBeLessThanOrEqual(1 / 8);
    expect(most - least).toBeGreaterThan(0.2);
  }
  const embedding = new Embedding({ numEmbeddings: 100, embeddingDim: 64, rng });
  expect(Math.abs(moments(embedding.weight.dataSync<'float32'>()).std - 1)).toBeLessThan(
    5 / Math.sqrt(12_800),
  );
  dispose(linear);
  dispose(embedding);
});
