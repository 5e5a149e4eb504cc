import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { feed, Rng } from '@minigpt/core';
import { dropout } from '@minigpt/ops';
import * as tf from '@tensorflow/tfjs-core';
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
      tf.square(feed(() => ({ dtype: 'float32', shape: [], data: Float32Array.of(3) }))),
    ]);
    for (let run = 0; run < 3; run++) tf.dispose(squared.run());
    squared.dispose();
    expect(folders().filter((name) => !before.includes(name))).toEqual([]);
  });

  it.each([
    ['operation by operation', {}, [3, 5]],
    ['as a function for XLA', {}, [129, 127]],
    ['under XLA', { xla: true }, [3, 5]],
  ])('draws the dropout masks that the host draws: %s', async (_, options, shape) => {
    await start();
    const ones = tf.variable(tf.ones(shape));
    let seed = 0;
    const step = compile(
      () => [
        dropout(
          ones,
          0.3,
          Rng.following(() => new Rng(seed)),
        ),
      ],
      options,
    );
    while (seed++ < 8) {
      const expected = new Rng(seed)
        .uniform(tf.util.sizeFromShape(shape))
        .map((u) => (u < 0.3 ? 0 : 1 / 0.7));
      const [dropped] = step.run();
      expect(dropped.dataSync()).toEqual(expected);
      dropped.dispose();
    }
    step.dispose();
    ones.dispose();
  });
});
