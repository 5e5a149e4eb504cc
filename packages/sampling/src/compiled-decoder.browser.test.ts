import { dispose, Rng } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { expect, it } from 'vitest';
import { generate } from './generate.ts';
import { smallFamilies } from './testing/small-families.ts';

describeOnBackends('a compiled decoder in a browser', () => {
  it.each(smallFamilies)('writes what passes that are not compiled write: $model_type', async (config) => {
    const model = modelFromConfig(config, { rng: new Rng(2) });
    const write = async (compile: boolean) => {
      const ids: number[] = [];
      for await (const { id } of generate(model, [3, 1, 4], { maxNewTokens: 9, rng: new Rng(5), compile }))
        ids.push(id);
      return ids;
    };
    expect(await write(true)).toEqual(await write(false));
    dispose(model);
  });
}, ['wasm']);
