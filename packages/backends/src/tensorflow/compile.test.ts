import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { feed } from '@minigpt/core';
import { dispose, square } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { start } from '../node.ts';
import { testCompile } from '../testing/test-compile.ts';
import { compile } from './compile.ts';
import { hasBinding, installedTfjsNode } from './tfjs-node.ts';

const linked = installedTfjsNode().some(hasBinding);
const enabling = linked ? '' : ' (needs TensorFlow: pnpm minigpt tensorflow)';

testCompile(`compile on TensorFlow${enabling}`, {
  start,
  compilers: { graph: compile, XLA: (step, options) => compile(step, { ...options, xla: true }) },
  skip: !linked,
});

describe.skipIf(!linked)(`a graph of TensorFlow${enabling}`, () => {
  it('leaves no file behind', async () => {
    await start();
    const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('minigpt-graph-'));
    const before = folders();
    const squared = compile(() => [
      square(feed(() => ({ dtype: 'float32', shape: [], data: Float32Array.of(3) }))),
    ]);
    for (let run = 0; run < 3; run++) dispose(squared.run());
    squared.dispose();
    expect(folders().filter((name) => !before.includes(name))).toEqual([]);
  });
});
