import { TokenizerFormatError } from '../errors.ts';
import { unitsAt } from '../pipeline/unicode.ts';
import type { WordPieceSpec } from '../tokenizer-json.ts';
import type { Emit, Model } from './model.ts';
import { Vocabulary } from './vocabulary.ts';

/** BERT's greedy longest match from the left; a word that does not come out even is unknown as a whole. */
export class WordPiece implements Model {
  readonly vocabulary: Vocabulary;
  readonly size: number;
  readonly #unknown: number;
  readonly #prefix: string;
  readonly #maxCharacters: number;
  readonly #longest: number;

  /** @throws TokenizerFormatError */
  constructor(private readonly spec: WordPieceSpec) {
    this.vocabulary = Vocabulary.fromRecord(spec.vocab);
    this.size = this.vocabulary.tokens.length;
    const unknownToken = spec.unk_token ?? '[UNK]';
    const unknown = this.vocabulary.ids.get(unknownToken);
    if (unknown === undefined) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        `WordPiece's unk_token ${JSON.stringify(unknownToken)} is not in its vocabulary.`,
      );
    }
    this.#unknown = unknown;
    this.#prefix = spec.continuing_subword_prefix ?? '##';
    this.#maxCharacters = spec.max_input_chars_per_word ?? 100;
    this.#longest = 0;
    for (const token of this.vocabulary.ids.keys()) this.#longest = Math.max(this.#longest, token.length);
  }

  tokenize(piece: string, emit: Emit): void {
    const { ids } = this.vocabulary;
    let characters = 0;
    for (let at = 0; at < piece.length && characters <= this.#maxCharacters; at += unitsAt(piece, at))
      characters++;
    if (characters > this.#maxCharacters) {
      emit(this.#unknown, 0, piece.length);
      return;
    }
    const found: [id: number, start: number, end: number][] = [];
    for (let start = 0; start < piece.length; ) {
      const prefix = start > 0 ? this.#prefix : '';
      let end = Math.min(piece.length, start + this.#longest);
      let id: number | undefined;
      while (end > start) {
        id = ids.get(prefix + piece.slice(start, end));
        if (id !== undefined) break;
        end--;
      }
      if (id === undefined) {
        emit(this.#unknown, 0, piece.length);
        return;
      }
      found.push([id, start, end]);
      start = end;
    }
    for (const [id, start, end] of found) emit(id, start, end);
  }

  toJSON(): WordPieceSpec {
    const { unk_token = '[UNK]' } = this.spec;
    return {
      type: 'WordPiece',
      unk_token,
      continuing_subword_prefix: this.#prefix,
      max_input_chars_per_word: this.#maxCharacters,
      vocab: this.vocabulary.toRecord(),
    };
  }
}
