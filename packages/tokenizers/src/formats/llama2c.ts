import { TokenizerFormatError } from '../errors.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';
import { type Piece, PieceType } from './piece-type.ts';
import { sentencePieceToJson } from './sentencepiece-json.ts';

const FORMAT = 'llama2.c tokenizer.bin';
/** Longest token accepted, in bytes. */
const MAX_TOKEN_BYTES = 1 << 16;

/**
 * Reads llama2.c's `tokenizer.bin` (karpathy/llama2.c, tokenizer.py `export`): the length of the longest token, then
 * for each id a float32 score, an int32 length and the bytes. Ids 0, 1, 2 are `<unk>`, `<s>`, `</s>`; the rest is
 * SentencePiece BPE with byte fallback, its spaces written plainly.
 * @throws TokenizerFormatError
 */
export function readLlama2cTokenizer(bytes: Uint8Array): TokenizerJson {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pieces: Piece[] = [];
  const fail = (reason: string): never => {
    throw new TokenizerFormatError(FORMAT, reason);
  };
  let at = 4;
  const longest = bytes.length >= at ? view.getUint32(0, true) : fail('it is shorter than its header.');
  if (longest === 0 || longest > MAX_TOKEN_BYTES) {
    fail(`its longest token is said to have ${longest} bytes; at most ${MAX_TOKEN_BYTES} are read.`);
  }
  while (at < bytes.length) {
    const id = pieces.length;
    if (bytes.length - at < 8) fail(`token ${id} is cut off at byte ${at}.`);
    const score = view.getFloat32(at, true);
    const length = view.getInt32(at + 4, true);
    at += 8;
    if (length < 1 || length > bytes.length - at) {
      fail(`token ${id} has a length of ${length} bytes at byte ${at - 4} of ${bytes.length}.`);
    }
    if (!Number.isFinite(score)) fail(`the score of token ${id} is not a number.`);
    pieces.push(piece(id, utf8(bytes.subarray(at, at + length), id), score));
    at += length;
  }
  if (pieces.length <= RESERVED.length)
    fail(`it has ${pieces.length} tokens: three are reserved, so none is left.`);
  return sentencePieceToJson({
    format: FORMAT,
    algorithm: 'bpe',
    pieces,
    byteFallback: pieces.some(({ type }) => type === PieceType.byte),
    charsmap: new Uint8Array(0),
    addDummyPrefix: true,
    removeExtraWhitespaces: false,
    escapeWhitespaces: true,
    whitespaceAsSuffix: false,
    unknownSurface: ' \u2047 ',
    prefixId: 1,
    suffixId: undefined,
  });
}

const RESERVED: readonly Omit<Piece, 'score'>[] = [
  { piece: '<unk>', type: PieceType.unknown },
  { piece: '<s>', type: PieceType.control },
  { piece: '</s>', type: PieceType.control },
];

const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

function piece(id: number, text: string, score: number): Piece {
  if (id < RESERVED.length) return { ...RESERVED[id]!, score };
  if (BYTE_PIECE.test(text)) return { piece: text, score, type: PieceType.byte };
  return { piece: text.replaceAll(' ', '\u2581'), score, type: PieceType.normal };
}

const decoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array, id: number): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw Object.assign(new TokenizerFormatError(FORMAT, `token ${id} is not UTF-8.`), { cause });
  }
}
