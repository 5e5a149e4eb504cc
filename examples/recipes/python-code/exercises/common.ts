import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parameters, Rng, type TokenBatch } from '@minigpt/core';
import { type OpenShards, openShards, readTexts, writeShards } from '@minigpt/data/node';
import { GPT } from '@minigpt/models';
import { createTokenizer, type Tokenizer, trainBpe } from '@minigpt/tokenizers';
import { adamW, constant, train } from '@minigpt/training';
import { pythonSources } from '../sources.ts';

export const blockSize = 32; // T
export const batchSize = 16; // B

/** The texts of the recipe's files, at most so many. */
export async function texts(data: string | undefined, limit = 200): Promise<string[]> {
  const found: string[] = [];
  for (const path of (await pythonSources(data, limit)).train) {
    for await (const { text } of readTexts(path)) found.push(text);
  }
  return found;
}

/** A BPE of so many tokens, trained on the texts. */
export async function bpe(documents: readonly string[], vocabSize: number): Promise<Tokenizer> {
  return createTokenizer(await trainBpe(documents, { vocabSize, specialTokens: ['<|endoftext|>'] }));
}

/** Calls `use` with shards of the recipe's files, which are removed after it. */
export async function withShards(
  data: string | undefined,
  use: (shards: OpenShards, tokenizer: Tokenizer) => Promise<void>,
): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), 'minigpt-python-code-'));
  try {
    const tokenizer = await bpe((await texts(data)).slice(0, 40), 512);
    const { train: sources } = await pythonSources(data, 200);
    for await (const _ of writeShards({ sources, tokenizer, out, skipInvalid: true, workers: 0 }));
    const shards = await openShards(out);
    await use(shards, tokenizer);
    shards.close();
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A small model, trained on these batches. */
export async function trained(
  vocabSize: number,
  batch: (step: number) => TokenBatch,
  steps: number,
): Promise<GPT> {
  const model = new GPT({
    vocabSize,
    blockSize,
    nLayer: 2,
    nHead: 2,
    nEmbd: 64,
    bias: false,
    rng: new Rng(1),
  });
  const optimizer = adamW({ parameters: parameters(model) });
  for await (const _ of train({ model, optimizer, batch, schedule: constant(3e-3), maxIters: steps }));
  optimizer.dispose();
  return model;
}
