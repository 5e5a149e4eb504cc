import { templateAround } from '../formats/template-around.ts';
import { AlignedText } from '../pipeline/aligned-text.ts';
import { moreNormalizers } from '../pipeline/more-normalizers.ts';
import { compileNormalizer } from '../pipeline/normalizer.ts';
import { compilePreTokenizer } from '../pipeline/pre-tokenizer.ts';
import { compilePattern } from '../regex/pattern.ts';
import type {
  NormalizerSpec,
  PostProcessorSpec,
  PreTokenizerSpec,
  TokenizerJson,
} from '../tokenizer-json.ts';
import type { Corpus } from './corpus.ts';
import { countWords } from './count-words.ts';
import { drain } from './drain.ts';
import { mergePairs } from './merge-pairs.ts';
import { specialTokens } from './special-tokens.ts';
import {
  checkSpecialTokens,
  checkVocabSize,
  TrainingOptionError,
  type TrainingOptions,
} from './training-options.ts';
import type { WeightedWords } from './weighted-words.ts';
import { WordCounter } from './word-counter.ts';

export interface WordPieceTrainingOptions extends TrainingOptions {
  /** Fold to lower case and strip accents, as BERT's uncased models. Default true. */
  readonly lowercase?: boolean;
  /** Stop where the most frequent pair of pieces occurs less often. Default 2. */
  readonly minFrequency?: number;
  /** The first ids. They must hold `[UNK]`. Default `[PAD] [UNK] [CLS] [SEP] [MASK]`, as BERT's. */
  readonly specialTokens?: readonly string[];
}

const BERT_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const UNKNOWN = '[UNK]';
const PREFIX = '##';
/** Characters in the alphabet at most, the most frequent; words with others are unknown. As Hugging Face's trainer. */
const ALPHABET_LIMIT = 1000;

/**
 * Trains WordPiece (Schuster and Nakajima 2012; Devlin et al. 2019) as Hugging Face's `tokenizers` does it: words of
 * BERT's pre-tokenizer, characters that do not begin a word marked `##`, merged by frequency as in BPE.
 *
 * Ids: the special tokens, the characters, then the pieces made, in order. `createTokenizer(result)` gives the tokenizer.
 *
 * @throws TrainingOptionError; the signal's reason once it is aborted
 */
export async function trainWordPiece(
  corpus: Corpus,
  options: WordPieceTrainingOptions,
): Promise<TokenizerJson> {
  const { vocabSize, lowercase = true, minFrequency = 2, specialTokens: special = BERT_TOKENS } = options;
  checkSpecialTokens(special);
  if (!special.includes(UNKNOWN))
    throw new TrainingOptionError('specialTokens', special, `a list with ${UNKNOWN}`);
  if (!(minFrequency >= 1)) throw new TrainingOptionError('minFrequency', minFrequency, 'at least 1');

  const normalizer: NormalizerSpec = {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase,
  };
  const preTokenizer: PreTokenizerSpec = { type: 'BertPreTokenizer' };
  const counter = new WordCounter();
  const runs = compilePattern('\\S+');
  const countRuns = (text: string) => {
    for (const [start, end] of runs(text)) counter.add(text, start, end);
  };
  await countWords(corpus, counter, countRuns, { ...options, specialTokens: special });

  const words = splitRuns(counter, normalizer, preTokenizer);
  const { weighted, alphabet } = spellWords(words);
  checkVocabSize(
    vocabSize,
    special.length + alphabet.length,
    'the special tokens and the characters of the text',
  );
  const { tokens } = await drain(
    mergePairs(weighted, {
      alphabet,
      vocabSize: vocabSize - special.length,
      minFrequency,
      tieRule: 'first-seen',
      join: (left, right) => left + right.slice(PREFIX.length),
    }),
    options,
  );
  return {
    version: '1.0',
    added_tokens: specialTokens(special),
    normalizer,
    pre_tokenizer: preTokenizer,
    post_processor: bertTemplate(special),
    decoder: { type: 'WordPiece', prefix: PREFIX, cleanup: true },
    model: {
      type: 'WordPiece',
      vocab: Object.fromEntries([...special, ...tokens].map((token, id) => [token, id])),
      unk_token: UNKNOWN,
      continuing_subword_prefix: PREFIX,
      max_input_chars_per_word: 100,
    },
  };
}

/** Words of the pre-tokenizer out of runs without white space, across which it never reaches; each run is split once. */
function splitRuns(
  runs: WordCounter,
  normalizerSpec: NormalizerSpec,
  preTokenizerSpec: PreTokenizerSpec,
): ReadonlyMap<string, number> {
  const normalize = compileNormalizer(normalizerSpec, compilePattern, moreNormalizers);
  const split = compilePreTokenizer(preTokenizerSpec, compilePattern);
  const words = new Map<string, number>();
  for (const [run, count] of runs.entries()) {
    for (const { text } of split(normalize(AlignedText.untracked(run)))) {
      if (text !== '') words.set(text, (words.get(text) ?? 0) + count);
    }
  }
  return words;
}

/** Words as ids of their characters, those that do not begin a word with the prefix. */
function spellWords(words: ReadonlyMap<string, number>): { weighted: WeightedWords; alphabet: string[] } {
  const frequency = new Map<string, number>();
  for (const [word, count] of words) {
    for (const character of word) frequency.set(character, (frequency.get(character) ?? 0) + count);
  }
  const frequent = [...frequency].sort((a, b) => b[1] - a[1]).slice(0, ALPHABET_LIMIT);
  const characters = new Set(frequent.map(([character]) => character));

  const known = [...words].map(([word, count]) => ({ characters: [...word], count }));
  const spelled = known
    .filter((word) => word.characters.every((character) => characters.has(character)))
    .map((word) => ({ ...word, symbols: word.characters.map((c, i) => (i === 0 ? c : PREFIX + c)) }));
  const alphabet = [...new Set(spelled.flatMap(({ symbols }) => symbols))].sort();
  const ids = new Map(alphabet.map((symbol, id) => [symbol, id]));
  const starts = new Int32Array(spelled.length + 1);
  spelled.forEach(({ symbols }, word) => {
    starts[word + 1] = starts[word]! + symbols.length;
  });
  const symbols = new Int32Array(starts[spelled.length]!);
  spelled.forEach((word, index) => {
    symbols.set(
      word.symbols.map((symbol) => ids.get(symbol)!),
      starts[index],
    );
  });
  return {
    weighted: { symbols, starts, counts: Float64Array.from(spelled, ({ count }) => count) },
    alphabet,
  };
}

/** `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` for pairs, where there are such tokens. */
function bertTemplate(special: readonly string[]): PostProcessorSpec | null {
  const cls = special.indexOf('[CLS]');
  const sep = special.indexOf('[SEP]');
  if (cls < 0 || sep < 0) return null;
  return templateAround(special, cls, sep, { prefixBeforePair: false });
}
