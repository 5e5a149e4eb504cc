import type { Rng } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { testKVCache } from '@minigpt/testing';
import { smallFamilies } from '../testing/small-families.ts';
import { FixedKVCache } from './fixed.ts';
import { GrowingKVCache } from './growing.ts';

const length = 10;
for (const config of smallFamilies) {
  const makeModel = (rng: Rng) => modelFromConfig(config, { rng });
  const name = config.model_type;
  const backends = ['cpu'] as const;
  testKVCache(`growing on ${name}`, () => new GrowingKVCache(), makeModel, { length, backends });
  testKVCache(`fixed on ${name}`, () => new FixedKVCache({ capacity: length }), makeModel, {
    length,
    flat: true,
    backends,
  });
}
