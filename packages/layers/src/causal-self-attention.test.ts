import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, Context, dispose, parameters, Rng } from '@minigpt/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { CausalSelfAttention, normal } from './index.ts';

const [B, T, C, H] = [2, 4, 6, 3];
const D = C / H;

type Rows = number[][];

const affine = (x: Rows, w: Rows, b: number[]): Rows =>
  x.map((row) => b.map((bias, j) => row.reduce((sum, value, i) => sum + value * w[i][j], bias)));

/** What the layer computes, one position and head at a time. */
function naive(x: Rows, layer: CausalSelfAttention): Rows {
  const value = (name: string) => parameters(layer).get(name)!.arraySync();
  const qkv = affine(x, value('c_attn.weight') as Rows, value('c_attn.bias') as number[]);
  const attended = x.map((_, t) => {
    const out = new Array<number>(C).fill(0);
    for (let head = 0; head < H; head++) {
      const at = (part: number, s: number, d: number) => qkv[s][part * C + head * D + d];
      const scores: number[] = [];
      for (let s = 0; s <= t; s++) {
        let dot = 0;
        for (let d = 0; d < D; d++) dot += at(0, t, d) * at(1, s, d);
        scores.push(Math.exp(dot / Math.sqrt(D)));
      }
      const total = scores.reduce((sum, score) => sum + score, 0);
      for (const [s, score] of scores.entries())
        for (let d = 0; d < D; d++) out[head * D + d] += (score / total) * at(2, s, d);
    }
    return out;
  });
  return affine(attended, value('c_proj.weight') as Rows, value('c_proj.bias') as number[]);
}

it('computes what a loop over positions and heads does', () => {
  const layer = new CausalSelfAttention({ nEmbd: C, nHead: H, weightInit: normal(0.7), rng: new Rng(1) });
  const x = tf.tensor3d(new Rng(2).normal(B * T * C), [B, T, C]);
  const watched = Context.evaluation({ tap: () => undefined });
  for (const ctx of [Context.evaluation(), watched]) {
    const out = tf.tidy(() => layer.call(x, ctx).arraySync() as number[][][]);
    for (const [b, rows] of (x.arraySync() as number[][][]).entries()) {
      for (const [t, row] of naive(rows, layer).entries())
        for (const [c, value] of row.entries()) expect(Math.abs(out[b][t][c] - value)).toBeLessThan(1e-6);
    }
  }
  x.dispose();
  dispose(layer);
});

it('refuses a number of heads that does not divide the width', () => {
  const make = () => new CausalSelfAttention({ nEmbd: 6, nHead: 4, rng: new Rng(1) });
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(/divisible by the number of heads.* 6 .* 4 /);
});
