import '@tensorflow/tfjs-backend-cpu';
import { dispose as disposeTensors, memory, mul, ones, type Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { Context, dispose, Rng } from './index.ts';
import { Toy } from './testing/toy.ts';

it('narrows path and key together', () => {
  const ctx = Context.training({ rng: new Rng(3) })
    .at('h', 2)
    .at('attn');
  expect(ctx.path).toBe('h.2.attn');
  expect(ctx.rng.unit()).toBe(new Rng(3).fold('h').fold(2).fold('attn').unit());
});

it('has no key when nothing is random', () => {
  const ctx = Context.evaluation();
  expect([ctx.training, ctx.checkpointing, ctx.path]).toEqual([false, false, '']);
  expect(() => ctx.rng).toThrow('A context for evaluation has no random key.');
});

it('shows a tap the output of every module by its path', () => {
  const toy = new Toy();
  const x = ones([2, 3]);
  const seen: string[] = [];
  const tap = (path: string) => {
    seen.push(path);
    return undefined;
  };
  const out = toy.call(x, Context.evaluation({ tap }));
  expect(seen).toEqual(['h.0', 'h.1', 'last', '']);
  disposeTensors([x, out]);
  dispose(toy);
});

it('lets a tap replace an activation, and leaks nothing', async () => {
  const before = memory().numTensors;
  const toy = new Toy();
  const x = ones([2, 3]);
  const tap = (path: string, y: Tensor) => (path === 'last' ? mul(y, 0) : undefined);
  const out = toy.call(x, Context.evaluation({ tap }));
  const bias = await toy.bias.data();
  expect(await out.data()).toEqual(Float32Array.of(...bias, ...bias)); // only the bias is left
  disposeTensors([x, out]);
  dispose(toy);
  expect(memory().numTensors).toBe(before);
});
