import { BYTE_LEVEL, byteLevelPreTokenizer, splitPattern } from '../formats/byte-level.ts';
import type { NamedSplitPattern } from '../formats/split-patterns.ts';
import { BYTE_TO_CHARACTER } from '../pipeline/byte-alphabet.ts';
import { compilePattern } from '../regex/pattern.ts';
import { findScanner } from '../scan/find-scanner.ts';
import { WordReader } from '../scan/word-reader.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import type { Corpus } from './corpus.ts';
import { type CountText, countWords } from './count-words.ts';
import { drain } from './drain.ts';
import { mergePairs } from './merge-pairs.ts';
import type { TieRule } from './merge-queue.ts';
import { specialTokens } from './special-tokens.ts';
import {
  checkSpecialTokens,
  checkVocabSize,
  TrainingOptionError,
  type TrainingOptions,
} from './training-options.ts';
import { WordCounter } from './word-counter.ts';

export interface BpeTrainingOptions extends TrainingOptions {
  /**
   * Cuts text into words; no token crosses from one word to the next. A published pattern by name (default `gpt4`), or
   * any expression in the syntax of tokenizer.json. What it does not match is a word too.
   */
  readonly pattern?: NamedSplitPattern | (string & {});
  /** Stop where the most frequent pair of tokens occurs less often. Default 2. */
  readonly minFrequency?: number;
  /** Which of several equally frequent pairs is merged. Default `first-seen`. */
  readonly tieRule?: TieRule;
}

/**
 * Trains byte-level BPE (Radford et al. 2019). Ids: the 256 bytes by value, then the tokens made in order, then the
 * special tokens; there are fewer than `vocabSize` where no pair is left that occurs `minFrequency` times.
 *
 * The result is a tokenizer.json, a plain object that a worker can post: `createTokenizer(result)` gives the tokenizer.
 *
 * @throws TrainingOptionError, PatternError; the signal's reason once it is aborted
 */
export async function trainBpe(corpus: Corpus, options: BpeTrainingOptions): Promise<TokenizerJson> {
  const {
    vocabSize,
    specialTokens: special = [],
    pattern = 'gpt4',
    minFrequency = 2,
    tieRule = 'first-seen',
  } = options;
  checkSpecialTokens(special);
  checkVocabSize(vocabSize, 256 + special.length, '256 bytes and the special tokens');
  if (!(minFrequency >= 1)) throw new TrainingOptionError('minFrequency', minFrequency, 'at least 1');

  const counter = new WordCounter();
  await countWords(corpus, counter, wordCounter(pattern), options);

  const { tokens, merges } = await drain(
    mergePairs(counter.toBytes(), {
      alphabet: BYTE_STRINGS,
      vocabSize: vocabSize - special.length,
      minFrequency,
      tieRule,
    }),
    options,
  );

  const spelled = tokens.map(spell);
  return {
    version: '1.0',
    added_tokens: specialTokens(special, tokens.length),
    normalizer: null,
    pre_tokenizer: byteLevelPreTokenizer(pattern),
    post_processor: null,
    decoder: BYTE_LEVEL,
    model: {
      type: 'BPE',
      vocab: Object.fromEntries([...spelled, ...special].map((token, id) => [token, id])),
      merges: merges.map(([left, right]) => [spelled[left]!, spelled[right]!] as const),
    },
  };
}

/** Byte strings: one character U+0000–U+00FF a byte, so that comparing strings compares bytes. */
const BYTE_STRINGS = /* @__PURE__ */ Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

function spell(byteString: string): string {
  let token = '';
  for (let i = 0; i < byteString.length; i++) token += BYTE_TO_CHARACTER[byteString.charCodeAt(i)];
  return token;
}

/** Counts words by a hand-written scanner where the pattern has one, else the pattern's matches and what lies between. */
function wordCounter(pattern: string): CountText {
  const scanner = findScanner(byteLevelPreTokenizer(pattern));
  if (scanner) {
    const reader = new WordReader(scanner);
    return (text, counter) => reader.readUnits(text, (start, end) => counter.add(text, start, end));
  }
  const find = compilePattern(splitPattern(pattern));
  return (text, counter) => {
    let last = 0;
    for (const [start, end] of find(text)) {
      counter.add(text, last, start);
      counter.add(text, start, end);
      last = end;
    }
    counter.add(text, last, text.length);
  };
}
