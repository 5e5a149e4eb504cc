#!/usr/bin/env node
// Installed from npm, this runs the build; inside the workspace it runs the sources, so that no build comes first, unless
// MINIGPT_BUILT is set: the tests of .ci/run start it often, and the build starts four times as fast.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const sources = new URL('../src/main.ts', import.meta.url);
if (existsSync(sources) && !process.env.MINIGPT_BUILT) {
  const { buildKernels } = await import('../../backends/scripts/build-kernels.mjs');
  await buildKernels();
  const { register } = await import('tsx/esm/api');
  register({ tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) });
  await import(sources.href);
} else {
  await import('../dist/main.js');
}
