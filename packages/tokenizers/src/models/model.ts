import type { ModelSpec } from '../tokenizer-json.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Takes a token and where it lies in the piece, in UTF-16 units. */
export type Emit = (id: number, start: number, end: number) => void;

/** The id that a model emits for text that it has no token for. */
export const NO_TOKEN = -1;

/** Turns a piece of text into tokens. */
export interface Model {
  /** The vocabulary; models that hold it in another form build it when it is first asked for. */
  readonly vocabulary: Vocabulary;
  /** One more than the highest id. */
  readonly size: number;
  /** The id whose tokens are given as the text has them, not as the vocabulary does: Unigram's unknown token. */
  readonly verbatim?: number;
  tokenize(piece: string, emit: Emit): void;
  toJSON(): ModelSpec;
}
