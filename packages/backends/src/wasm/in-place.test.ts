import { fromHost, parameter, Rng, toHost } from '@minigpt/core';
import { randomNormal } from '@minigpt/testing';
import { adamW } from '@minigpt/training';
import { clone, dispose, memory, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { start } from '../wasm.ts';

describe('memory of the wasm backend', () => {
  beforeAll(async () => {
    await start({ threads: 1 });
  });

  it('is shared by a clone and its original, until both are gone', async () => {
    const { numDataBuffers } = memory();
    const original = fromHost(randomNormal([3, 5], new Rng(1)));
    const copy = clone(original);
    expect(memory().numDataBuffers).toBe(numDataBuffers + 1);
    const values = await original.data();
    original.dispose();
    dispose(zeros([3, 5])); // takes the place of what was given back
    expect(await copy.data()).toEqual(values);
    copy.dispose();
    expect(memory().numDataBuffers).toBe(numDataBuffers);
  });

  it('is where AdamW leaves parameters and moments, unless something else holds it', async () => {
    const weight = parameter(fromHost(randomNormal([7, 9], new Rng(2))));
    const optimizer = adamW({ parameters: new Map([['weight', weight]]) });
    const variables = [weight, ...optimizer.variables().values()];
    const places = () => variables.map(({ dataId }) => dataId);
    const grad = fromHost(randomNormal([7, 9], new Rng(3)));
    const step = () => optimizer.step(new Map([['weight', grad]]), 0.1);

    const [before, values] = [places(), await toHost(weight)];
    step();
    for (const [i, place] of places().entries()) expect(place).toBe(before[i]);
    const stepped = await toHost(weight);
    expect(stepped).not.toEqual(values);

    const snapshot = clone(weight as Tensor);
    step();
    expect(await toHost(snapshot)).toEqual(stepped);
    expect(await toHost(weight)).not.toEqual(stepped);
    expect(places().map((place, i) => place === before[i])).toEqual([false, true, true]);

    optimizer.dispose();
    dispose([snapshot, grad, weight]);
  });
});
