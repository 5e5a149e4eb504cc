import { TokenizerError } from '../errors.ts';

/** What every trainer takes besides its own options. */
export interface TrainingOptions {
  /** Tokens in the finished vocabulary, the alphabet and the special tokens included. */
  readonly vocabSize: number;
  /** Added as special tokens; where the corpus contains one, it separates the text around it. */
  readonly specialTokens?: readonly string[];
  /** Called between steps, some ten times a second at most. */
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

export interface TrainingProgress {
  /** `read`: the corpus, in UTF-16 units. `vocabulary`: tokens, growing (BPE, WordPiece) or shrinking (Unigram). */
  readonly stage: 'read' | 'vocabulary';
  readonly done: number;
  /** What `done` ends at; unknown while reading. */
  readonly total?: number;
}

/** A trainer was given an option that it cannot work with. */
export class TrainingOptionError extends TokenizerError {
  override name = 'TrainingOptionError';
  constructor(
    readonly option: string,
    readonly value: unknown,
    /** What the option must be. */
    readonly rule: string,
  ) {
    super(`${option} must be ${rule}, not ${JSON.stringify(value)}.`);
  }
}

/** @throws TrainingOptionError unless `vocabSize` is a whole number of at least `least` tokens, for `why` */
export function checkVocabSize(vocabSize: number, least: number, why: string): void {
  if (!Number.isSafeInteger(vocabSize) || vocabSize < least || vocabSize > MAX_VOCAB_SIZE) {
    throw new TrainingOptionError('vocabSize', vocabSize, `between ${least} (${why}) and ${MAX_VOCAB_SIZE}`);
  }
}

/** @throws TrainingOptionError where a special token is empty or given twice */
export function checkSpecialTokens(specialTokens: readonly string[]): void {
  if (specialTokens.includes('') || new Set(specialTokens).size < specialTokens.length) {
    throw new TrainingOptionError('specialTokens', specialTokens, 'non-empty strings, each once');
  }
}

const MAX_VOCAB_SIZE = 1 << 24;
