import { createTokenizer, type Tokenizer, trainBpe } from '@minigpt/tokenizers';
import type { ShardIndex } from '../shard-index.ts';
import { type WriteShardsOptions, writeShards } from '../write-shards.ts';

/** Texts of very different lengths, some of them empty, that no two are alike. */
export function exampleTexts(count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    `def f${i}(x):\n    return x + ${i}  # é🙂\n`.repeat((i * 7919) % 97),
  );
}

/** A byte-level BPE with an end-of-text token, made on the spot. */
export async function exampleTokenizer(vocabSize = 300): Promise<Tokenizer> {
  return createTokenizer(
    await trainBpe(exampleTexts(30).join(''), { vocabSize, specialTokens: ['<|endoftext|>'] }),
  );
}

/** The ids that shards of these texts must hold, encoded one by one. */
export function expectedIds(texts: readonly string[], tokenizer: Tokenizer): number[] {
  const end = tokenizer.tokenToId('<|endoftext|>') as number;
  return texts.flatMap((text) => [...tokenizer.encode(text, { disallowedSpecial: [] }), end]);
}

/** Writes shards to the end, or until `stopAfter` pieces of work are done. */
export async function write(
  options: WriteShardsOptions,
  stopAfter?: number,
): Promise<ShardIndex | undefined> {
  const stop = new AbortController();
  let pieces = 0;
  for await (const event of writeShards({ ...options, signal: stop.signal })) {
    if (event.type === 'finished') return event.index;
    if (event.type === 'progress' && ++pieces === stopAfter) stop.abort();
  }
  return undefined;
}
