import type { HostTensor } from '@minigpt/core';
import { describeOnBackends, expectClose, startBackend } from '@minigpt/testing';
import { expect, it } from 'vitest';
import { logitLens, patch, tap, tokenLosses, zeroHeads } from './index.ts';
import { IDS, makeFamily, withModel } from './testing/families.ts';

// What was measured is below the bounds of cpu, wasm and node: see tap-and-patch.test.ts.
const TOLERANCE = { absolute: 6e-6 };

/** Everything that is seen inside of one small model, and what an edit makes of it. */
async function look(name: 'llama' | 'gemma2') {
  let seen = new Map<string, HostTensor>();
  let numbers: number[] = [];
  await withModel(
    () => makeFamily(name),
    async (model) => {
      seen = await tap(model, IDS, '**');
      seen.set('edited', await patch(model, IDS, { '**.z': zeroHeads(0) }));
      const lens = await logitLens(model, IDS);
      const losses = await tokenLosses(model, IDS);
      numbers = [
        ...lens.flatMap(({ predictions }) => predictions.map(({ entropy }) => entropy)),
        ...losses.map(({ loss }) => loss),
      ];
    },
  );
  return { seen, numbers };
}

describeOnBackends(
  'looking inside',
  (backend) => {
    for (const name of ['llama', 'gemma2'] as const) {
      it(`${name}: every activation, an edit, the logit lens and the losses are those of cpu`, async () => {
        const here = await look(name);
        await startBackend('cpu');
        const expected = await look(name);
        await startBackend(backend);
        expect([...here.seen.keys()]).toEqual([...expected.seen.keys()]);
        for (const [path, activation] of expected.seen) {
          await expectClose(here.seen.get(path)!, activation, TOLERANCE, path);
        }
        for (const [i, number] of expected.numbers.entries()) expect(here.numbers[i]).toBeCloseTo(number, 4);
      });
    }
  },
  ['webgl', 'webgpu'],
);
