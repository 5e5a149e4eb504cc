import '@tensorflow/tfjs-backend-cpu';
import { memory, tensor } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  assignAll,
  countParameters,
  dispose,
  freeze,
  fromHost,
  type HostTensor,
  loadStateDict,
  mapModules,
  modules,
  parameters,
  Rng,
  StateDictError,
  stateDict,
  toHost,
  trainableParameters,
} from './index.ts';
import { Toy, ToyBlock } from './testing/toy.ts';

let toy: Toy;
beforeEach(() => {
  toy = new Toy();
});
afterEach(() => dispose(toy));

describe('names', () => {
  it('are the paths to the fields, and a shared weight is listed once under its first name', () => {
    expect([...parameters(toy).keys()]).toEqual(['bias', 'tied', 'h.1.weight', 'last.weight']);
    expect(parameters(toy).get('tied')).toBe(toy.h[0].weight);
    expect(countParameters(toy)).toBe(3 + 3 * 9);
  });

  it('of modules come parents first, the root as the empty path', () => {
    expect([...modules(toy)].map(([path]) => path)).toEqual(['', 'h.0', 'h.1', 'last']);
  });
});

describe('state dict', () => {
  it('goes out and comes back to the last bit', async () => {
    const other = new Toy({ rng: new Rng(9) });
    const saved = await stateDict(toy);
    expect(await stateDict(other)).not.toEqual(saved);
    loadStateDict(other, saved);
    expect(await stateDict(other)).toEqual(saved);
    dispose(other);
  });

  it('is a copy: training on does not change what was saved', async () => {
    const saved = await stateDict(toy);
    const before = Array.from(saved.get('bias')!.data);
    const other = tensor([7, 8, 9]);
    toy.bias.assign(other);
    other.dispose();
    expect(Array.from(saved.get('bias')!.data)).toEqual(before);
  });

  it('lists every difference at once and changes nothing', async () => {
    const saved = await stateDict(toy);
    const wrong = new Map<string, HostTensor>(saved);
    wrong.set('bias', { dtype: 'float32', shape: [3], data: Float32Array.of(1, 2, 3) });
    wrong.set('h.1.weight', { dtype: 'float32', shape: [1, 9], data: new Float32Array(9) });
    wrong.delete('last.weight');
    wrong.set('lost.weight', { dtype: 'float32', shape: [1], data: new Float32Array(1) });
    const load = () => loadStateDict(toy, wrong);
    expect(load).toThrow(StateDictError);
    expect(load).toThrow(
      'The tensors do not fit the model, and nothing was loaded (missing: last.weight; unexpected: lost.weight; ' +
        'misshapen: h.1.weight is [1,9] and should be [3,3]); use the config that they were saved with.',
    );
    expect(await stateDict(toy)).toEqual(saved);
  });

  it('of other variables than a module’s is checked alike', () => {
    const bias = new Map([['bias', toy.bias]]);
    expect(() => assignAll(bias, new Map())).toThrow('missing: bias');
  });

  it('keeps int32 as int32', async () => {
    const ids = fromHost({ dtype: 'int32', shape: [2], data: Int32Array.of(2 ** 24 + 1, -5) });
    expect(await toHost(ids)).toEqual({ dtype: 'int32', shape: [2], data: Int32Array.of(2 ** 24 + 1, -5) });
    ids.dispose();
  });
});

describe('freeze', () => {
  it('takes the chosen parameters out of training and back in', () => {
    freeze(toy, (name) => name.startsWith('h.') || name === 'tied');
    expect([...trainableParameters(toy).keys()]).toEqual(['bias', 'last.weight']);
    freeze(toy);
    expect(trainableParameters(toy).size).toBe(0);
    freeze(toy, () => true, false);
    expect(trainableParameters(toy)).toEqual(parameters(toy));
  });
});

describe('mapModules', () => {
  it('replaces modules in fields and in lists, and gives each its path', () => {
    const seen: string[] = [];
    const replaced: ToyBlock[] = [];
    mapModules(toy, (module, path) => {
      seen.push(path);
      if (path === 'h.0') return module;
      replaced.push(module as ToyBlock);
      return new ToyBlock(2, new Rng(1));
    });
    expect(seen).toEqual(['h.0', 'h.1', 'last']);
    expect(toy.h.map(({ width }) => width)).toEqual([3, 2]);
    expect(toy.last.width).toBe(2);
    for (const block of replaced) dispose(block);
  });
});

describe('dispose', () => {
  it('frees every parameter once', () => {
    const before = memory().numTensors;
    const another = new Toy();
    expect(memory().numTensors).toBe(before + 4);
    dispose(another);
    expect(memory().numTensors).toBe(before);
  });
});
