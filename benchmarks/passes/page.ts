import { selectBackend } from '@minigpt/backends';
import { start as startWebGL } from '@minigpt/backends/webgl';
import { parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { GPT } from '@minigpt/models';
import { adamW, constant, train } from '@minigpt/training';
import { env, getKernelsForBackend, unregisterKernel } from '@tensorflow/tfjs-core';
import { countPasses } from './count-passes.ts';

export interface Measured {
  /** Draw calls or dispatches of one training step. */
  readonly passes: number;
  readonly millisecondsPerStep: number;
  readonly loss: number;
}

const configs = {
  nano: { vocabSize: 65, blockSize: 64, nLayer: 4, nHead: 4, nEmbd: 128, bias: false },
  small: { vocabSize: 65, blockSize: 256, nLayer: 6, nHead: 6, nEmbd: 384, bias: false },
};

export interface MeasureOptions {
  readonly config: keyof typeof configs;
  readonly backend: 'webgl' | 'webgpu';
  /** Leave our kernels out, and tfjs as it comes. */
  readonly plain: boolean;
  readonly steps: number;
  readonly batchSize: number;
  /** T: how much of the config's context a batch has. */
  readonly length: number;
}

async function measure(options: MeasureOptions): Promise<Measured> {
  const { config, backend, plain, steps, batchSize, length } = options;
  await (backend === 'webgl' ? startWebGL({ software: true }) : selectBackend(backend));
  if (plain) {
    for (const { kernelName } of getKernelsForBackend(backend))
      if (kernelName.startsWith('MiniGPT.')) unregisterKernel(kernelName, backend);
    delete env().getFlags().WEBGL_PACK;
  }
  const rng = new Rng(1);
  const model = new GPT({ ...configs[config], rng });
  const tokens = Uint16Array.from(rng.fold('text').integers(10_000, 65));
  const run = train({
    model,
    optimizer: adamW({ parameters: parameters(model) }),
    batch: batches({ tokens, blockSize: length, batchSize, rng }),
    schedule: constant(1e-3),
    maxIters: steps,
  });
  let last = { loss: Number.NaN };
  const step = async () => {
    const { value } = await run.next();
    if (value?.type === 'step') last = value;
  };
  await step(); // compiles
  const began = performance.now();
  let passes = 0;
  for (let i = 1; i < steps; i++) passes = await countPasses(step);
  return { passes, millisecondsPerStep: (performance.now() - began) / (steps - 1), loss: last.loss };
}

Object.assign(globalThis, { measure });
