import { createHash } from 'node:crypto';
import { type LanguageModel, parameters, Rng } from '@minigpt/core';
import { Bigram, GPT, MLPLanguageModel } from '@minigpt/models';
import { adamW, type Optimizer } from '@minigpt/training';
import type { RunSettings } from './settings.ts';

/** The model that the settings describe, with fresh weights. @throws ConfigError */
export function buildModel(settings: RunSettings, vocabSize: number): LanguageModel {
  const { blockSize, nLayer, nHead, nEmbd, dropout, bias } = settings;
  const rng = new Rng(settings.seed).fold('init');
  switch (settings.model) {
    case 'gpt':
      return new GPT({ vocabSize, blockSize, nLayer, nHead, nEmbd, dropout, bias, rng });
    case 'mlp':
      return new MLPLanguageModel({ vocabSize, blockSize, nEmbd, nHidden: 8 * nEmbd, rng });
    case 'bigram':
      return new Bigram({ vocabSize, blockSize, rng });
  }
}

export function buildOptimizer(settings: RunSettings, model: LanguageModel): Optimizer {
  const { beta1, beta2, weightDecay } = settings;
  return adamW({ parameters: parameters(model), betas: [beta1, beta2], weightDecay });
}

/** What tells one text from another: a run is resumed on the text that it began with. */
export function textDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
