import { type LanguageModel, Rng } from '@minigpt/core';
import { type CompileDecoding, generate } from '@minigpt/sampling';
import type { Tokenizer } from '@minigpt/tokenizers';
import type { Console } from './console.ts';
import { InterruptedError } from './errors.ts';

export interface SampleOptions {
  readonly console: Console;
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  /**
   * Where the text begins, after what the tokenizer puts before a text (`<s>`). Without it the model begins with that, or with
   * a line break, or with token 0 if it knows none.
   */
  readonly prompt?: string;
  readonly maxNewTokens: number;
  /** Ids that end a text. */
  readonly endIds?: readonly number[];
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly compile?: CompileDecoding;
  readonly signal?: AbortSignal;
}

export interface Sample {
  readonly prompt: string;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
}

/** Draws a text and shows it as it comes. @throws InterruptedError once the signal is aborted */
export async function streamSample({
  console,
  model,
  tokenizer,
  prompt,
  maxNewTokens,
  seed = 0,
  signal,
  ...sampling
}: SampleOptions): Promise<Sample> {
  const encoded = tokenizer.encode(prompt ?? '', { addSpecialTokens: true });
  const promptIds = prompt === undefined && encoded.length === 0 ? openingIds(tokenizer) : encoded;
  const decoder = tokenizer.streamingDecoder({ skipSpecialTokens: true });
  for (const id of promptIds) console.stream(decoder.push(id));
  const ids: number[] = [];
  let text = '';
  const write = (piece: string) => {
    text += piece;
    console.stream(piece);
  };
  const rng = new Rng(seed).fold('sample');
  for await (const { id } of generate(model, promptIds, { maxNewTokens, rng, ...sampling })) {
    ids.push(id);
    write(decoder.push(id));
    if (signal?.aborted) {
      console.stream('\n');
      throw new InterruptedError(`Stopped after ${ids.length} of ${maxNewTokens} tokens.`);
    }
  }
  write(decoder.flush());
  console.stream('\n');
  return { prompt: tokenizer.decode(promptIds, { skipSpecialTokens: true }), promptIds, ids, text };
}

function openingIds(tokenizer: Tokenizer): number[] {
  const lineBreak = tokenizer.tokenToId('\n');
  return [lineBreak ?? 0];
}
