import {
  Context,
  type HostTensor,
  type LanguageModel,
  parameters,
  type TokenBatch,
  toHost,
  valueAndGrads,
} from '@minigpt/core';
import { adamW, batchLoss, constant, train } from '@minigpt/training';
import { dispose, env, getBackend, tensor2d } from '@tensorflow/tfjs-core';

/** What a model gives on one backend, on the host. */
export interface MeasuredTraining {
  /** Float32 `[B, T', V]`, before the first step. */
  readonly logits: HostTensor;
  /** By the names of the parameters, before the first step, without dropout. */
  readonly gradients: ReadonlyMap<string, HostTensor>;
  /** Mean nats per token before each step, dropout included, and after the last one, without. */
  readonly losses: readonly number[];
}

/**
 * Measures a model and then trains it on one batch: AdamW at 0.01 with a decay of 0.01, the norm clipped at 1. Its parameters
 * are those of the trained model afterwards.
 *
 * @param steps how many; with 0 the model is only measured
 */
export async function measureTraining(
  model: LanguageModel,
  batch: TokenBatch,
  steps: number,
): Promise<MeasuredTraining> {
  if (getBackend() === 'webgpu') env().set('WEBGPU_MATMUL_PROGRAM_TYPE', TILES_OF_8);
  try {
    return await measure(model, batch, steps);
  } finally {
    if (getBackend() === 'webgpu') env().set('WEBGPU_MATMUL_PROGRAM_TYPE', AUTOMATIC);
  }
}

/**
 * tfjs gives each element of a product of at most 128 a workgroup of its own, which costs half a millisecond where WebGPU is
 * computed in software. Models of a size that is of use have larger products.
 */
const TILES_OF_8 = 2;
const AUTOMATIC = -1;

async function measure(model: LanguageModel, batch: TokenBatch, steps: number): Promise<MeasuredTraining> {
  const ids = tensor2d(batch.inputs, [...batch.shape], 'int32');
  const logits = model.call(ids);
  const { value, grads } = valueAndGrads(
    () => batchLoss(model, () => batch, Context.evaluation()).loss,
    parameters(model),
  );
  const gradients = new Map<string, HostTensor>();
  for (const [name, gradient] of grads) gradients.set(name, await toHost(gradient));
  const measured = { logits: await toHost(logits), gradients };
  dispose([ids, logits, value, ...grads.values()]);
  return { ...measured, losses: steps === 0 ? [] : await lossesOf(model, batch, steps) };
}

async function lossesOf(model: LanguageModel, batch: TokenBatch, maxIters: number): Promise<number[]> {
  const optimizer = adamW({ parameters: parameters(model) });
  const losses: number[] = [];
  const run = train({
    model,
    optimizer,
    batch: () => batch,
    schedule: constant(0.01),
    maxIters,
    validation: [batch],
    compile: false,
  });
  for await (const event of run) {
    if (event.type === 'step' || (event.type === 'evaluation' && event.step > 0)) losses.push(event.loss);
  }
  optimizer.dispose();
  return losses;
}
