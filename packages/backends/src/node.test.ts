import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { Worker } from 'node:worker_threads';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { BackendUnavailableError } from './errors.ts';
import { start } from './node.ts';
import * as packages from './tensorflow/tfjs-node.ts';

vi.mock('./tensorflow/tfjs-node.ts', { spy: true });

const linked = packages.installedTfjsNode().some(packages.hasBinding);
const enabling = linked ? '' : ' (needs TensorFlow: pnpm minigpt tensorflow)';

describe.skipIf(!linked)(`node backend${enabling}`, () => {
  beforeAll(async () => {
    await start();
  });

  it('says what computes', async () => {
    const started = await start();
    expect(started.name).toBe('node');
    expect(started.description).toMatch(/^TensorFlow \((GPU|CPU, \d+ threads?)\)$/);
    expect(started.version).toMatch(/^2\.\d+\.\d+/);
    expect(tf.getBackend()).toBe('tensorflow');
  });

  it('tells TensorFlow how many threads an operation has, unless the environment does', async () => {
    vi.stubEnv('TF_NUM_INTRAOP_THREADS', undefined);
    await start({ threadsPerOperation: 3 });
    await start({ threadsPerOperation: 4 });
    expect(process.env.TF_NUM_INTRAOP_THREADS).toBe('3');
    vi.unstubAllEnvs();
  });

  it('computes on the one engine that tfjs-core has', () => {
    const [{ folder }] = packages.installedTfjsNode().filter(packages.hasBinding) as [
      packages.TfjsNodePackage,
    ];
    const node = createRequire(import.meta.url)(folder) as typeof tf;
    expect(node.engine()).toBe(tf.engine());
    expect(node.Variable).toBe(tf.Variable);
    expect(node.version_core).toBe(tf.version_core);
  });

  it('differentiates with respect to variables and leaves nothing behind', () => {
    const before = tf.memory().numTensors;
    const w = tf.tidy(() => tf.variable(tf.tensor2d([1, 2, 3, 4], [2, 2])));
    tf.tidy(() => {
      const x = tf.tensor2d([5, 6, 7, 8], [2, 2]);
      const { value, grads } = tf.variableGrads(() => tf.sum(tf.square(tf.matMul(x, w))), [w]);
      expect(value.arraySync()).toBe(23 ** 2 + 34 ** 2 + 31 ** 2 + 46 ** 2);
      // d‖xw‖²/dw = 2 xᵀ(xw)
      expect(grads[w.name]!.arraySync()).toEqual([
        [664, 984],
        [772, 1144],
      ]);
    });
    w.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('differentiates an embedding lookup, adding up repeated ids', () => {
    const grad = tf.tidy(() => {
      const ids = tf.tensor1d([2, 0, 2], 'int32');
      return tf
        .grad((table) => tf.sum(tf.gather(table, ids)))(tf.ones([3, 2]))
        .arraySync();
    });
    expect(grad).toEqual([
      [1, 1],
      [0, 0],
      [2, 2],
    ]);
  });

  it.skipIf(process.platform !== 'linux')(
    'takes no signal while TensorFlow computes, on any thread',
    async () => {
      const blocksWindowChange = (status: string) =>
        (Number.parseInt(/SigBlk:\s*\w*(\w{8})/.exec(status)![1]!, 16) &
          (1 << (constants.signals.SIGWINCH - 1))) !==
        0;
      const threads = readdirSync('/proc/self/task').map((id) =>
        readFileSync(`/proc/self/task/${id}/status`, 'utf8'),
      );
      const computing = threads.filter((status) => /^Name:\s*tf_/m.test(status));
      expect(computing.length).toBeGreaterThan(0);
      expect(computing.every(blocksWindowChange)).toBe(true);

      // A second thread looks at the mask of this one, which is inside of products all the time.
      const done = new Int32Array(new SharedArrayBuffer(4));
      const watch = new Worker(
        `const { readFileSync } = require('node:fs');
       const { parentPort, workerData } = require('node:worker_threads');
       parentPort.postMessage('ready');
       const seen = [];
       while (Atomics.load(workerData.done, 0) === 0) seen.push(readFileSync(workerData.status, 'utf8'));
       parentPort.postMessage(seen);`,
        { eval: true, workerData: { status: `/proc/self/task/${process.pid}/status`, done } },
      );
      await once(watch, 'message');
      tf.tidy(() => {
        const a = tf.randomNormal([1024, 1024]);
        for (let i = 0; i < 8; i++) tf.matMul(a, a);
      });
      Atomics.store(done, 0, 1);
      const [seen] = (await once(watch, 'message')) as [string[]];
      expect(seen.some(blocksWindowChange)).toBe(true);
    },
  );
});

describe('node backend without TensorFlow', () => {
  afterEach(() => {
    vi.mocked(packages.installedTfjsNode).mockReset();
  });

  it('says how to get the package when there is none', async () => {
    vi.mocked(packages.installedTfjsNode).mockReturnValue([]);
    await expect(start()).rejects.toThrow(/npm install --ignore-scripts @tensorflow\/tfjs-node/);
    await expect(start()).rejects.toBeInstanceOf(BackendUnavailableError);
  });

  it('says how to link the package when it has no binding', async () => {
    const bare = { name: '@tensorflow/tfjs-node', version: '4.22.0', folder: '/nowhere' } as const;
    vi.mocked(packages.installedTfjsNode).mockReturnValue([bare]);
    await expect(start()).rejects.toThrow(/has no TensorFlow to run on; `npx minigpt tensorflow`/);
  });
});
