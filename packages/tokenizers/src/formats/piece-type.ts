/** Kinds of vocabulary entries: `SentencePiece.Type` of sentencepiece_model.proto, and GGUF's `tokenizer.ggml.token_type`. */
export const PieceType = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

/** One entry of a SentencePiece vocabulary, wherever it was stored. */
export interface Piece {
  readonly piece: string;
  /** Log probability (Unigram); the higher, the earlier it is merged (BPE). */
  readonly score: number;
  readonly type: number;
}
