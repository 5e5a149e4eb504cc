import type { WordLevelSpec } from '../tokenizer-json.ts';
import { type Emit, type Model, NO_TOKEN } from './model.ts';
import { Vocabulary } from './vocabulary.ts';

/** Whole words, and one token for all others. */
export class WordLevel implements Model {
  readonly vocabulary: Vocabulary;
  readonly size: number;
  readonly #unknown: number;

  constructor(private readonly spec: WordLevelSpec) {
    this.vocabulary = Vocabulary.fromRecord(spec.vocab);
    this.size = this.vocabulary.tokens.length;
    this.#unknown = this.vocabulary.ids.get(spec.unk_token ?? '<unk>') ?? NO_TOKEN;
  }

  tokenize(piece: string, emit: Emit): void {
    emit(this.vocabulary.ids.get(piece) ?? this.#unknown, 0, piece.length);
  }

  toJSON(): WordLevelSpec {
    const { unk_token = '<unk>' } = this.spec;
    return { type: 'WordLevel', vocab: this.vocabulary.toRecord(), unk_token };
  }
}
