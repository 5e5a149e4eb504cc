import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import { type Piece, PieceType } from './piece-type.ts';
import { type ProtobufField, protobufFields } from './protobuf.ts';
import { sentencePieceToJson } from './sentencepiece-json.ts';

const FORMAT = 'SentencePiece .model';

/** Vocabularies above this are refused: the largest published has 262,144 pieces. */
const MAX_PIECES = 1 << 22;

export interface SentencePieceOptions {
  /** Whether `addSpecialTokens` puts the model's BOS before a text. Default: where the model has one. */
  readonly addBos?: boolean;
  /** Whether `addSpecialTokens` puts the model's EOS after a text. Default false. */
  readonly addEos?: boolean;
}

/**
 * Reads a SentencePiece `.model` file (the protobuf `ModelProto` of sentencepiece_model.proto) with a BPE or Unigram
 * model; ids and decoded texts are those of the `sentencepiece` library.
 * @throws TokenizerFormatError where the file is damaged, UnknownComponentError for word and character models
 */
export function readSentencePiece(bytes: Uint8Array, options: SentencePieceOptions = {}): TokenizerJson {
  const pieces: Piece[] = [];
  let trainer: ReadonlyMap<number, ProtobufField> = new Map();
  let normalizer: ReadonlyMap<number, ProtobufField> = new Map();
  for (const field of protobufFields(bytes, FORMAT)) {
    if (field.number === ModelProto.pieces) pieces.push(readPiece(field.bytes, pieces.length));
    else if (field.number === ModelProto.trainerSpec) trainer = message(field.bytes);
    else if (field.number === ModelProto.normalizerSpec) normalizer = message(field.bytes);
    if (pieces.length > MAX_PIECES)
      throw new TokenizerFormatError(FORMAT, `it has more than ${MAX_PIECES} pieces.`);
  }
  if (pieces.length === 0) throw new TokenizerFormatError(FORMAT, 'it has no pieces.');

  const modelType = trainer.get(TrainerSpec.modelType)?.value ?? UNIGRAM;
  if (modelType !== UNIGRAM && modelType !== BPE) {
    throw new UnknownComponentError(
      'model',
      `model_type ${modelType}`,
      `a ${FORMAT} must hold a Unigram or BPE model.`,
    );
  }
  const flag = (number: number, byDefault: boolean) => {
    const field = normalizer.get(number);
    return field ? field.value !== 0 : byDefault;
  };
  const idOf = (number: number, byDefault: number) => {
    // A negative id is written as a 64-bit two's complement: it means that there is no such piece.
    const id = trainer.get(number)?.value ?? byDefault;
    return id < pieces.length && pieces[id]!.type === PieceType.control ? id : undefined;
  };
  const { addBos = true, addEos = false } = options;
  const surface = trainer.get(TrainerSpec.unkSurface);
  return sentencePieceToJson({
    format: FORMAT,
    algorithm: modelType === BPE ? 'bpe' : 'unigram',
    pieces,
    byteFallback: (trainer.get(TrainerSpec.byteFallback)?.value ?? 0) !== 0,
    charsmap: normalizer.get(NormalizerSpec.precompiledCharsmap)?.bytes ?? new Uint8Array(0),
    addDummyPrefix: flag(NormalizerSpec.addDummyPrefix, true),
    removeExtraWhitespaces: flag(NormalizerSpec.removeExtraWhitespaces, true),
    escapeWhitespaces: flag(NormalizerSpec.escapeWhitespaces, true),
    whitespaceAsSuffix: (trainer.get(TrainerSpec.treatWhitespaceAsSuffix)?.value ?? 0) !== 0,
    unknownSurface: surface ? utf8(surface.bytes) : ' \u2047 ',
    prefixId: addBos ? idOf(TrainerSpec.bosId, 1) : undefined,
    suffixId: addEos ? idOf(TrainerSpec.eosId, 2) : undefined,
  });
}

/** Field numbers of sentencepiece_model.proto. */
const ModelProto = { pieces: 1, trainerSpec: 2, normalizerSpec: 3 } as const;
const SentencePiece = { piece: 1, score: 2, type: 3 } as const;
const TrainerSpec = {
  modelType: 3,
  treatWhitespaceAsSuffix: 24,
  byteFallback: 35,
  bosId: 41,
  eosId: 42,
  unkSurface: 44,
} as const;
const NormalizerSpec = {
  precompiledCharsmap: 2,
  addDummyPrefix: 3,
  removeExtraWhitespaces: 4,
  escapeWhitespaces: 5,
} as const;
const UNIGRAM = 1;
const BPE = 2;

/** The last field of each number: protobuf's rule for a field that is not repeated. */
function message(bytes: Uint8Array): Map<number, ProtobufField> {
  const fields = new Map<number, ProtobufField>();
  for (const field of protobufFields(bytes, FORMAT)) fields.set(field.number, field);
  return fields;
}

function readPiece(bytes: Uint8Array, id: number): Piece {
  const fields = message(bytes);
  const piece = utf8(fields.get(SentencePiece.piece)?.bytes ?? new Uint8Array(0));
  const score = fields.get(SentencePiece.score)?.value ?? 0;
  const type = fields.get(SentencePiece.type)?.value ?? PieceType.normal;
  if (piece === '') throw new TokenizerFormatError(FORMAT, `piece ${id} is empty.`);
  if (!Number.isFinite(score))
    throw new TokenizerFormatError(FORMAT, `the score of piece ${id} is not a number.`);
  return { piece, score, type };
}

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw Object.assign(new TokenizerFormatError(FORMAT, 'a string is not UTF-8.'), { cause });
  }
}
