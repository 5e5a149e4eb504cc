import { expect, test } from 'vitest';
import { foreignSources } from './foreign-sources.mjs';

test('finds what a build took in from outside its own sources', () => {
  const inlined = '../../../node_modules/@tensorflow/tfjs-core/dist/engine.js';
  expect(foreignSources({ sources: ['../src/rng.ts', '../../src/node/files.ts', inlined] })).toEqual([
    inlined,
  ]);
});
