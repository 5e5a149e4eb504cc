import type { HostTensor } from '@minigpt/core';
import json from '../../packages/models/fixtures/families.json';
import { type FamilyFixture, tensorsOf } from '../../packages/models/src/testing/fixture-tensors.ts';

/**
 * The small models that PyTorch was asked about, with what it gave. Those whose angles depend on the length of the context are for
 * the tests of `@minigpt/models`: PyTorch saw the last token too, which a training batch has as a target only.
 */
export function fixturesFrom(all: ReadonlyMap<string, HostTensor>): Record<string, FamilyFixture> {
  return Object.fromEntries(
    Object.entries(json.models)
      .filter(([, { config }]) => !/"(dynamic|longrope)"/.test(JSON.stringify(config)))
      .map(([name, { config, losses }]) => [
        name,
        { config, losses, read: async () => tensorsOf(name, all) },
      ]),
  );
}

export const fixtureTensors = new URL('../../packages/models/fixtures/families.safetensors', import.meta.url);
