import { TokenizerFormatError } from '../errors.ts';
import type {
  AddedToken,
  DecoderSpec,
  ModelSpec,
  NormalizerSpec,
  PreTokenizerSpec,
  TokenizerJson,
} from '../tokenizer-json.ts';
import { type Piece, PieceType } from './piece-type.ts';
import { mergesOfScores } from './score-merges.ts';
import { templateAround } from './template-around.ts';

/** A SentencePiece model as its `.model` file, a GGUF file or llama2.c's tokenizer.bin describe it. */
export interface SentencePieceModel {
  /** Name of the format in error messages. */
  readonly format: string;
  readonly algorithm: 'bpe' | 'unigram';
  /** The index is the id. */
  readonly pieces: readonly Piece[];
  readonly byteFallback: boolean;
  /** `precompiled_charsmap`: character replacements as a double-array trie; empty for none. */
  readonly charsmap: Uint8Array;
  readonly addDummyPrefix: boolean;
  readonly removeExtraWhitespaces: boolean;
  /** Whether U+0020 is written U+2581 in pieces. */
  readonly escapeWhitespaces: boolean;
  /** The dummy prefix goes to the end of the text. */
  readonly whitespaceAsSuffix: boolean;
  /** What an unknown id is decoded to. */
  readonly unknownSurface: string;
  /** Ids that `addSpecialTokens` puts around a text; undefined for none. */
  readonly prefixId: number | undefined;
  readonly suffixId: number | undefined;
}

/** U+2581, SentencePiece's visible space. */
const SPACE_SYMBOL = '\u2581';

/**
 * The same tokenizer as a tokenizer.json, as SentencePiece itself treats it: normalisation of the whole text, then the
 * model over the whole text, user-defined symbols standing alone.
 */
export function sentencePieceToJson(model: SentencePieceModel): TokenizerJson {
  const { format, pieces } = model;
  const ids = new Map<string, number>();
  pieces.forEach(({ piece }, id) => {
    const first = ids.get(piece);
    if (first !== undefined) {
      throw new TokenizerFormatError(
        format,
        `the piece ${JSON.stringify(piece)} has two ids, ${first} and ${id}.`,
      );
    }
    ids.set(piece, id);
  });
  return {
    version: '1.0',
    added_tokens: addedTokens(pieces),
    normalizer: normalizer(model),
    pre_tokenizer: userDefinedSplit(pieces),
    post_processor: templateAround(
      pieces.map(({ piece }) => piece),
      model.prefixId,
      model.suffixId,
    ),
    decoder: decoder(model),
    model: model.algorithm === 'bpe' ? bpe(model, ids) : unigram(model),
  };
}

function bpe({ pieces, byteFallback }: SentencePieceModel, ids: ReadonlyMap<string, number>): ModelSpec {
  return {
    type: 'BPE',
    vocab: Object.fromEntries(ids),
    merges: mergesOfScores(pieces),
    unk_token: pieces.find(({ type }) => type === PieceType.unknown)?.piece ?? null,
    fuse_unk: true,
    byte_fallback: byteFallback,
    // A user-defined symbol, alone in its word, is reached by no merges.
    ignore_merges: pieces.some(({ type }) => type === PieceType.userDefined),
  };
}

function unigram({ format, pieces, byteFallback }: SentencePieceModel): ModelSpec {
  const unknown = pieces.findIndex(({ type }) => type === PieceType.unknown);
  if (unknown < 0) throw new TokenizerFormatError(format, 'a Unigram model needs a piece of type unknown.');
  let worst = 0;
  for (const { score, type } of pieces) if (type === PieceType.normal) worst = Math.min(worst, score);
  return {
    type: 'Unigram',
    unk_id: unknown,
    vocab: pieces.map(({ piece, score, type }) => {
      // Text that happens to spell another kind of piece never becomes it; files give those score 0, the best there is.
      const unreachable = type !== PieceType.normal && type !== PieceType.userDefined;
      return [piece, unreachable ? (worst - UNKNOWN_PENALTY) * piece.length : score] as const;
    }),
    byte_fallback: byteFallback,
  };
}

/** How much worse than the worst piece an unknown character is (`kUnkPenalty` in SentencePiece's unigram_model.cc). */
const UNKNOWN_PENALTY = 10;

function addedTokens(pieces: readonly Piece[]): AddedToken[] {
  const special: AddedToken[] = [];
  pieces.forEach(({ piece, type }, id) => {
    if (type !== PieceType.unknown && type !== PieceType.control) return;
    special.push({
      id,
      content: piece,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    });
  });
  return special;
}

function normalizer(model: SentencePieceModel): NormalizerSpec | null {
  const steps: NormalizerSpec[] = [];
  const replace = (Regex: string, content: string) => {
    steps.push({ type: 'Replace', pattern: { Regex }, content });
  };
  if (model.charsmap.length > 0) {
    steps.push({ type: 'Precompiled', precompiled_charsmap: base64(model.charsmap), longest_match: true });
  }
  if (model.removeExtraWhitespaces) {
    replace('\\A +| +\\z', '');
    replace(' {2,}', ' ');
  }
  if (model.addDummyPrefix) {
    const space = model.escapeWhitespaces ? SPACE_SYMBOL : ' ';
    if (model.whitespaceAsSuffix) replace('(?<=[\\s\\S])\\z', space);
    else steps.push({ type: 'Prepend', prepend: space });
  }
  if (model.escapeWhitespaces) {
    steps.push({ type: 'Replace', pattern: { String: ' ' }, content: SPACE_SYMBOL });
  }
  return steps.length > 0 ? { type: 'Sequence', normalizers: steps } : null;
}

/** User-defined symbols are cut out first, the longest that fits, and the rest is encoded around them. */
function userDefinedSplit(pieces: readonly Piece[]): PreTokenizerSpec | null {
  const symbols = pieces.filter(({ type }) => type === PieceType.userDefined).map(({ piece }) => piece);
  if (symbols.length === 0) return null;
  symbols.sort((a, b) => b.length - a.length);
  const Regex = symbols.map((symbol) => symbol.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|');
  return { type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false };
}

function decoder(model: SentencePieceModel): DecoderSpec {
  const steps: DecoderSpec[] = [];
  const unknown = model.pieces.find(({ type }) => type === PieceType.unknown);
  if (unknown) {
    steps.push({ type: 'Replace', pattern: { String: unknown.piece }, content: model.unknownSurface });
  }
  if (model.escapeWhitespaces)
    steps.push({ type: 'Replace', pattern: { String: SPACE_SYMBOL }, content: ' ' });
  if (model.byteFallback) steps.push({ type: 'ByteFallback' });
  steps.push({ type: 'Fuse' });
  if (model.addDummyPrefix) {
    const atEnd = model.whitespaceAsSuffix;
    steps.push({ type: 'Strip', content: ' ', start: atEnd ? 0 : 1, stop: atEnd ? 1 : 0 });
  }
  return { type: 'Sequence', decoders: steps };
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}
