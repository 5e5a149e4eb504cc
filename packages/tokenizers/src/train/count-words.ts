import { breather } from './breathe.ts';
import { type Corpus, documents } from './corpus.ts';
import type { TrainingOptions } from './training-options.ts';
import type { WordCounter } from './word-counter.ts';

/** Text counted before the event loop gets a turn, in UTF-16 units. */
const PIECE = 1 << 18;

/** Cuts a text without special tokens into words, and counts each. */
export type CountText = (text: string, counter: WordCounter) => void;

/** Reads a corpus once and counts its words; special tokens separate texts and are not counted. */
export async function countWords(
  corpus: Corpus,
  counter: WordCounter,
  countText: CountText,
  {
    specialTokens = [],
    onProgress,
    signal,
  }: Pick<TrainingOptions, 'specialTokens' | 'onProgress' | 'signal'>,
): Promise<void> {
  const breathe = breather(signal);
  const separator =
    specialTokens.length > 0 ? new RegExp(specialTokens.map(escapePattern).join('|')) : undefined;
  let read = 0;
  let counted = 0;
  for await (const document of documents(corpus)) {
    for (const text of separator ? document.split(separator) : [document]) countText(text, counter);
    read += document.length;
    counted += document.length;
    if (counted < PIECE) continue;
    counted = 0;
    const pause = breathe();
    if (pause) {
      onProgress?.({ stage: 'read', done: read });
      await pause;
    }
  }
  signal?.throwIfAborted();
  onProgress?.({ stage: 'read', done: read });
}

function escapePattern(literal: string): string {
  return literal.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
