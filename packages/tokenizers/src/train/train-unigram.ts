import { type Piece, PieceType } from '../formats/piece-type.ts';
import { sentencePieceToJson } from '../formats/sentencepiece-json.ts';
import { byteToken } from '../pipeline/byte-alphabet.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import type { Corpus } from './corpus.ts';
import { countWords } from './count-words.ts';
import { drain } from './drain.ts';
import {
  checkSpecialTokens,
  checkVocabSize,
  TrainingOptionError,
  type TrainingOptions,
} from './training-options.ts';
import { BEGINS_WORD, NO_CANDIDATE, UnigramLattice } from './unigram-lattice.ts';
import type { WeightedWords } from './weighted-words.ts';
import { WordCounter } from './word-counter.ts';

export interface UnigramTrainingOptions extends TrainingOptions {
  /** Spell characters that are not in the vocabulary in bytes, for which it then has 256 tokens. Default true. */
  readonly byteFallback?: boolean;
  /** Tokens behind `<unk>`, which is 0. Default `<s> </s>`. */
  readonly specialTokens?: readonly string[];
}

/** Candidates to begin with (SentencePiece's `seed_sentencepiece_size`). */
const SEEDS = 1_000_000;
/** Share of the characters of the corpus that are tokens, the most frequent (`character_coverage`). */
const CHARACTER_COVERAGE = 0.9995;
/** EM steps between two prunings (`num_sub_iterations`), and what a pruning keeps (`shrinking_factor`). */
const EM_STEPS = 2;
const SHRINKING_FACTOR = 0.75;
/** Prune to this multiple of the size asked for, then take the most probable. */
const LAST_PRUNING = 1.1;
/** Candidates expected less often than this are dropped. */
const LEAST_EXPECTED = 0.5;
/** Nats for a character of text, to begin with. */
const TYPICAL_LOG_PER_CHARACTER = -3;
/** Words are learnt from in parts of this many characters at most. */
const LONGEST_WORD = 128;
const SPACE_SYMBOL = '\u2581';
const SPACE_SYMBOL_UNIT = 0x2581;
const SPACE = 0x20;
const UNKNOWN = '<unk>';

/**
 * Trains a Unigram language model of pieces (Kudo 2018) as SentencePiece does: many candidates, EM for their
 * probabilities, and again and again the removal of those whose loss would cost the corpus's likelihood least. Spaces
 * are written U+2581 and begin words; text is not normalised, so that decoding gives back what was encoded.
 *
 * Ids: `<unk>`, the special tokens, the bytes, then the pieces, the most probable first.
 * `createTokenizer(result)` gives the tokenizer.
 *
 * @throws TrainingOptionError; the signal's reason once it is aborted
 */
export async function trainUnigram(corpus: Corpus, options: UnigramTrainingOptions): Promise<TokenizerJson> {
  const { vocabSize, specialTokens: special = ['<s>', '</s>'], byteFallback = true } = options;
  checkSpecialTokens(special);
  if (special.includes(UNKNOWN))
    throw new TrainingOptionError('specialTokens', special, `a list without ${UNKNOWN}`);

  const counter = new WordCounter();
  await countWords(corpus, counter, countSpaceSeparated, { ...options, specialTokens: special });
  const { words, alphabet, characters } = spellWords(counter);
  const reserved = reservedPieces(special, byteFallback);
  checkVocabSize(vocabSize, reserved.length + characters.length, 'special tokens, bytes and characters');
  const pieces = await drain(
    estimatePieces(words, alphabet, characters, vocabSize - reserved.length),
    options,
  );

  const json = sentencePieceToJson({
    format: 'Unigram model',
    algorithm: 'unigram',
    pieces: [...reserved, ...pieces],
    byteFallback,
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: false,
    escapeWhitespaces: true,
    whitespaceAsSuffix: false,
    unknownSurface: ' \u2047 ',
    prefixId: undefined,
    suffixId: undefined,
  });
  return {
    ...json,
    pre_tokenizer: {
      type: 'Split',
      pattern: { String: SPACE_SYMBOL },
      behavior: 'MergedWithNext',
      invert: false,
    },
  };
}

function reservedPieces(special: readonly string[], byteFallback: boolean): Piece[] {
  const bytes = Array.from({ length: byteFallback ? 256 : 0 }, (_, byte) => byteToken(byte));
  return [
    { piece: UNKNOWN, score: 0, type: PieceType.unknown },
    ...special.map((piece) => ({ piece, score: 0, type: PieceType.control })),
    ...bytes.map((piece) => ({ piece, score: 0, type: PieceType.byte })),
  ];
}

/** Words between spaces; the space symbol that each begins with is added when they are spelled. */
function countSpaceSeparated(text: string, counter: WordCounter): void {
  if (text === '') return;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    // At the end of the text this is NaN.
    const unit = text.charCodeAt(i);
    if (i < text.length && unit !== SPACE && unit !== SPACE_SYMBOL_UNIT) continue;
    counter.add(text, start, i);
    start = i + 1;
  }
}

/** Words as ids of their characters, the space symbol before each; characters that are too rare have ids behind. */
function spellWords(counter: WordCounter): {
  words: WeightedWords;
  /** All characters, the most frequent first; the index is the symbol. */
  alphabet: string[];
  /** Those of them that become tokens. */
  characters: string[];
} {
  const frequency = new Map<string, number>([[SPACE_SYMBOL, counter.total]]);
  let total = counter.total;
  let symbolCount = 0;
  for (const [word, count] of counter.entries()) {
    symbolCount++;
    for (const character of word) {
      frequency.set(character, (frequency.get(character) ?? 0) + count);
      total += count;
      symbolCount++;
    }
  }
  const byFrequency = [...frequency].sort((a, b) => b[1] - a[1]);
  const ids = new Map(byFrequency.map(([character], id) => [character, id]));
  let covered = 0;
  const characters: string[] = [];
  for (const [character, count] of byFrequency) {
    if (covered >= total * CHARACTER_COVERAGE) break;
    characters.push(character);
    covered += count;
  }

  const symbols = new Int32Array(symbolCount);
  const starts = [0];
  const counts: number[] = [];
  let at = 0;
  const endWord = (count: number) => {
    starts.push(at);
    counts.push(count);
  };
  for (const [word, count] of counter.entries()) {
    symbols[at++] = ids.get(SPACE_SYMBOL)!;
    for (const character of word) {
      if (at - starts.at(-1)! === LONGEST_WORD) endWord(count);
      symbols[at++] = ids.get(character)!;
    }
    endWord(count);
  }
  return {
    words: { symbols, starts: Int32Array.from(starts), counts: Float64Array.from(counts) },
    alphabet: [...ids.keys()],
    characters,
  };
}

/** The EM and pruning loop; yields how many candidates are left. */
function* estimatePieces(
  words: WeightedWords,
  alphabet: readonly string[],
  characters: readonly string[],
  size: number,
): Generator<number, Piece[], void> {
  const kinds = alphabet.map((character, symbol) =>
    symbol < characters.length ? kindOf(character) : NO_CANDIDATE,
  );
  const lattice = new UnigramLattice(words, characters.length, Uint8Array.from(kinds), SEEDS);
  const spelling = spellingOf(words, characters, lattice);
  const model = new PieceModel(lattice);
  const target = Math.ceil(size * LAST_PRUNING);
  for (;;) {
    for (let step = 0; step < EM_STEPS; step++) {
      model.reestimate();
      yield model.size;
    }
    if (model.size <= target) break;
    model.prune(Math.max(target, Math.floor(model.size * SHRINKING_FACTOR)));
    yield model.size;
  }
  return model.mostProbable(size).map(({ piece, score }) => ({
    piece: spelling(piece),
    score,
    type: PieceType.normal,
  }));
}

/** Pieces do not mix letters, digits and other characters (SentencePiece's `split_by_unicode_script`, `_number`). */
function kindOf(character: string): number {
  if (character === SPACE_SYMBOL) return BEGINS_WORD;
  if (/[\p{L}\p{M}]/u.test(character)) return 2;
  return /\p{N}/u.test(character) ? 3 : 4;
}

function spellingOf(words: WeightedWords, characters: readonly string[], lattice: UnigramLattice) {
  return (piece: number): string => {
    const start = lattice.firstPosition[piece]!;
    const symbols = words.symbols.subarray(start, start + lattice.length[piece]!);
    return Array.from(symbols, (symbol) => characters[symbol]!).join('');
  };
}

/** The candidates that are left, with their log probabilities. */
class PieceModel {
  size: number;
  private readonly alive: Uint8Array;
  private readonly scores: Float64Array;
  private logPerCharacter: number;

  constructor(private readonly lattice: UnigramLattice) {
    this.size = lattice.pieces;
    this.alive = new Uint8Array(this.size).fill(1);
    this.scores = lattice.occurrences.map((count, piece) => count * lattice.length[piece]!);
    const total = this.scores.reduce((sum, score) => sum + score, 0);
    this.scores.forEach((score, piece) => {
      this.scores[piece] = Math.log(score / total);
    });
    this.logPerCharacter = TYPICAL_LOG_PER_CHARACTER;
  }

  /** One EM step; the M step with the digamma function instead of the logarithm favours a sparse model (Kudo 2018). */
  reestimate(): void {
    const { lattice } = this;
    const expected = new Float64Array(lattice.pieces);
    const logLikelihood = lattice.expectedCounts(this.scores, this.logPerCharacter, expected);
    this.logPerCharacter = logLikelihood / lattice.totalCharacters;
    let total = 0;
    expected.forEach((count, piece) => {
      if (!this.alive[piece]) return;
      if (piece >= lattice.characters && count < LEAST_EXPECTED) this.remove(piece);
      else total += Math.max(count, LEAST_EXPECTED);
    });
    const logTotal = digamma(total);
    expected.forEach((count, piece) => {
      if (this.alive[piece]) this.scores[piece] = digamma(Math.max(count, LEAST_EXPECTED)) - logTotal;
    });
    lattice.prune(this.alive);
  }

  /** Removes the pieces whose loss costs least likelihood until `size` are left; single characters stay. */
  prune(size: number): void {
    const { lattice } = this;
    const { starts, counts } = lattice.words;
    const used = new Float64Array(lattice.pieces);
    for (let word = 0; word < counts.length; word++) {
      lattice.best(starts[word]!, starts[word + 1]!, this.scores, (piece) => {
        if (piece >= 0) used[piece]! += counts[word]!;
      });
    }
    const total = used.reduce((sum, count) => sum + count, 0);
    const losses: { piece: number; loss: number }[] = [];
    for (let piece = lattice.characters; piece < lattice.pieces; piece++) {
      if (!this.alive[piece]) continue;
      losses.push({ piece, loss: this.lossWithout(piece, used, total) });
    }
    losses.sort((a, b) => b.loss - a.loss || a.piece - b.piece);
    for (const { piece } of losses.slice(Math.max(0, size - lattice.characters))) this.remove(piece);
    lattice.prune(this.alive);
  }

  /** How much the log likelihood of the corpus falls where the piece is written with others instead. */
  private lossWithout(piece: number, used: Float64Array, total: number): number {
    const count = used[piece]!;
    if (count === 0) return -Infinity;
    const start = this.lattice.firstPosition[piece]!;
    const instead: number[] = [];
    const end = start + this.lattice.length[piece]!;
    const score = this.lattice.best(start, end, this.scores, (other) => instead.push(other), piece);
    // Already better written with others.
    if (score > this.scores[piece]!) return -Infinity;
    const logTotal = Math.log(total);
    const logTotalInstead = Math.log(total + count * (instead.length - 1));
    let logInstead = 0;
    for (const other of instead) {
      logInstead += Math.log((other < 0 ? 0 : used[other]!) + count) - logTotalInstead;
    }
    return (count / total) * (Math.log(count) - logTotal - logInstead);
  }

  private remove(piece: number): void {
    this.alive[piece] = 0;
    this.size--;
  }

  /** All single characters, and the most probable others, `size` together; the most probable first. */
  mostProbable(size: number): { piece: number; score: number }[] {
    const entries: { piece: number; score: number }[] = [];
    for (let piece = 0; piece < this.lattice.pieces; piece++) {
      if (this.alive[piece]) entries.push({ piece, score: this.scores[piece]! });
    }
    const byScore = (a: { piece: number; score: number }, b: { piece: number; score: number }) =>
      b.score - a.score || a.piece - b.piece;
    const characters = entries.slice(0, this.lattice.characters);
    const others = entries.slice(this.lattice.characters).sort(byScore);
    return [...characters, ...others.slice(0, size - characters.length)].sort(byScore);
  }
}

/** Derivative of the logarithm of the gamma function, for x > 0 (Abramowitz and Stegun 6.3.5 and 6.3.18). */
export function digamma(x: number): number {
  let result = 0;
  let z = x;
  for (; z < 7; z++) result -= 1 / z;
  const r = 1 / (z * z);
  return result + Math.log(z) - 0.5 / z - r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r / 240)));
}
