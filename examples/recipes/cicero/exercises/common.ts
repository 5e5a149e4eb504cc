import { parameters, Rng, type TokenBatch } from '@minigpt/core';
import { batches, splitTokens, tokenize, windows } from '@minigpt/data';
import { readMobyDick, readText } from '@minigpt/data/node';
import { letterText, readLetters } from '@minigpt/data/tei';
import { characterTokenizer } from '@minigpt/tokenizers';
import { adamW, constant, evaluate, train } from '@minigpt/training';
import type { LetterModel } from '../letter-model.ts';

/** The recipe's shape. */
export const shape = { blockSize: 32, nEmbd: 64, nHead: 4, nLayer: 4, scale: 64 ** -0.5, rng: new Rng(1337) };

/** The recipe's text, by characters: an edition in TEI, or without one Moby Dick. */
export async function corpus(file?: string) {
  const text =
    file === undefined
      ? await readMobyDick()
      : readLetters(await readText(file), file)
          .map(letterText)
          .join('\n\n');
  const tokenizer = characterTokenizer.train(text);
  const split = splitTokens(tokenize(tokenizer, text));
  return {
    vocabSize: tokenizer.vocabSize,
    batch: batches({ tokens: split.train, blockSize: 32, batchSize: 16, rng: new Rng(1) }),
    heldOut: windows({ tokens: split.validation, blockSize: 32, batchSize: 128 }),
  };
}

/** Trains a model and measures it on the whole held-out tenth. */
export async function trainedLoss(
  model: LetterModel,
  { batch, heldOut }: { batch: (step: number) => TokenBatch; heldOut: Iterable<TokenBatch> },
  maxIters: number,
): Promise<number> {
  const optimizer = adamW({ parameters: parameters(model) });
  for await (const _ of train({ model, optimizer, batch, schedule: constant(1e-3), maxIters, gradClip: 0 }));
  optimizer.dispose();
  return (await evaluate({ model, batches: heldOut })).loss;
}
