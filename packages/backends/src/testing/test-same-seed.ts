import { dispose, Rng, stateDict } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { dropout } from '@minigpt/ops';
import { generate } from '@minigpt/sampling';
import { describeOnBackends, type TestedBackend } from '@minigpt/testing';
import { ones } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';

// Written down, not computed here: so that Node and Chromium, which never meet, are held to the same.
const WEIGHTS = 794399115;
const BATCHES = 343444636;
const MASK = 1813288197;
const SAMPLES = [4, 5, 6, 6, 4, 4, 5, 9, 4, 4, 0, 0, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6];

/** Weights, batches, dropout masks and samples of one seed are the same on every backend, bit for bit. */
export function testSameSeed(backends?: readonly TestedBackend[]): void {
  describeOnBackends(
    'one seed',
    () => {
      const rng = new Rng(1337);
      const shape = { vocabSize: 13, blockSize: 8, nLayer: 1, nHead: 2, nEmbd: 8, initializerRange: 0.4 };
      const makeModel = () => new GPT({ ...shape, rng: rng.fold('model') });

      it('gives the same weights', async () => {
        const model = makeModel();
        const state = await stateDict(model);
        expect(digestOf([...state.keys()].sort().map((name) => state.get(name)!.data))).toBe(WEIGHTS);
        dispose(model);
      });

      it('gives the same batches', () => {
        const tokens = Uint16Array.from(rng.fold('text').integers(500, 13));
        const batch = batches({ tokens, blockSize: 8, batchSize: 4, rng: rng.fold('batches') });
        expect(digestOf([0, 1, 99].map((step) => batch(step).inputs))).toBe(BATCHES);
      });

      it('gives the same dropout masks', async () => {
        const dropped = dropout(ones([33, 65]), 0.3, rng.fold('dropout'));
        expect(digestOf([await dropped.data<'float32'>()])).toBe(MASK);
        dropped.dispose();
      });

      it('gives the same samples', async () => {
        const model = makeModel();
        const ids: number[] = [];
        for await (const { id } of generate(model, [1, 2, 3], { maxNewTokens: 24, rng: rng.fold('samples') }))
          ids.push(id);
        expect(ids).toEqual(SAMPLES);
        dispose(model);
      });
    },
    backends,
  );
}

/** FNV-1a of all bits. */
function digestOf(arrays: readonly (Float32Array | Int32Array)[]): number {
  let hash = 0x811c9dc5;
  for (const { buffer, byteOffset, byteLength } of arrays)
    for (const byte of new Uint8Array(buffer, byteOffset, byteLength))
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
