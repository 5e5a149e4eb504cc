import { dispose, type HostTensor, loadStateDict, parameters, type TokenBatch } from '@minigpt/core';
import { type GPT, modelFromConfig } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import {
  NEEDS_REFERENCE_DATA,
  readReferenceJson,
  readReferenceTensors,
  referenceData,
} from '@minigpt/testing/reference';
import { memory, type Variable } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { adamW } from './adam-w.ts';
import { evaluate } from './evaluate.ts';
import type { StepEvent } from './events.ts';
import { constant } from './schedules.ts';
import { train } from './train.ts';

interface Run {
  readonly losses: number[];
  readonly loss_after_step_10: number;
}

interface Golden {
  readonly adamw: Run & {
    readonly lr: number;
    readonly betas: [number, number];
    readonly weight_decay: number;
  };
  readonly adamw_clip: Run & { readonly clip_grad_norm: number; readonly grad_norms_before_clip: number[] };
  readonly after10_tensors: string[];
}

/** The ids of each row but the last, and the ids that follow them. */
function shifted({ data, shape: [rows, length] }: HostTensor): TokenBatch {
  const columns = (from: number) =>
    Int32Array.from({ length: rows * (length - 1) }, (_, i) => {
      const row = Math.floor(i / (length - 1));
      return data[row * length + (i % (length - 1)) + from];
    });
  return { inputs: columns(0), targets: columns(1), shape: [rows, length - 1] };
}

/**
 * A key bias moves all scores of a row alike, so its gradient is nothing but rounding, which AdamW blows up to whole steps;
 * it is the middle third of `c_attn.bias`.
 */
const isNoise = (name: string, index: number, size: number) =>
  name.endsWith('attn.c_attn.bias') && Math.floor((3 * index) / size) === 1;

const LOSS_TOLERANCE = 2e-6;
const PARAMETER_TOLERANCE = 2e-6;

describeOnBackends('ten steps of GPT-2 against PyTorch', () => {
  const data = referenceData();
  for (const clipped of [false, true]) {
    const title = `AdamW ${clipped ? 'with' : 'without'} clipping ${data ? '' : NEEDS_REFERENCE_DATA}`;
    it.skipIf(data === undefined)(title, async () => {
      const folder = `${data}/golden/models/gpt2`;
      const golden = readReferenceJson<Golden>(`${folder}/golden.json`);
      const tensors = readReferenceTensors(`${folder}/golden.safetensors`);
      const before = memory().numTensors;
      const model = modelFromConfig(readReferenceJson(`${folder}/config.json`)) as GPT;
      loadStateDict(model, readReferenceTensors(`${folder}/model.safetensors`));
      const { lr, betas, weight_decay: weightDecay } = golden.adamw;
      const optimizer = adamW({ parameters: parameters(model), betas, weightDecay });
      const batch = shifted(tensors.get('input_ids') as HostTensor);

      const expected = clipped ? golden.adamw_clip : golden.adamw;
      const gradClip = clipped ? golden.adamw_clip.clip_grad_norm : 0;
      const steps: StepEvent[] = [];
      const run = train({
        model,
        optimizer,
        batch: () => batch,
        schedule: constant(lr),
        maxIters: 10,
        gradClip,
      });
      for await (const event of run) steps.push(event as StepEvent);

      expect(steps.length).toBe(10);
      for (const [i, { loss, gradNorm }] of steps.entries()) {
        expect(Math.abs(loss - expected.losses[i]), `loss ${i}`).toBeLessThan(LOSS_TOLERANCE);
        if (!clipped) continue;
        const norm = golden.adamw_clip.grad_norms_before_clip[i];
        expect(Math.abs(gradNorm - norm), `norm ${i}`).toBeLessThan(1e-5);
      }
      const { loss } = await evaluate({ model, batches: [batch] });
      expect(Math.abs(loss - expected.loss_after_step_10)).toBeLessThan(LOSS_TOLERANCE);
      if (!clipped) checkParameters(model, tensors, golden.after10_tensors);

      optimizer.dispose();
      dispose(model);
      expect(memory().numTensors).toBe(before);
    });
  }
});

function checkParameters(
  model: GPT,
  tensors: ReadonlyMap<string, HostTensor>,
  names: readonly string[],
): void {
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) {
    const expected = tensors.get(`after10.${name}`) as HostTensor;
    const actual = (parameters(model).get(name) as Variable).dataSync();
    expect(actual.length).toBe(expected.data.length);
    for (const [i, value] of expected.data.entries()) {
      if (isNoise(name, i, actual.length)) continue;
      expect(Math.abs(actual[i] - value), `${name}[${i}]`).toBeLessThan(PARAMETER_TOLERANCE);
    }
  }
}
