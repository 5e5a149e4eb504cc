import { ShapeError, TokenRangeError } from '@minigpt/core';
import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';

/** The tokens of one text, or of several of the same length. */
export type TokenIds = ArrayLike<number> | readonly ArrayLike<number>[];

/**
 * int32 `[B, T]`; the caller owns it.
 *
 * @throws ShapeError if there is no token, or if rows differ in length
 * @throws TokenRangeError
 */
export function idTensor(ids: TokenIds, vocabSize: number): Tensor2D {
  const rows = Array.from(ids as ArrayLike<number | ArrayLike<number>>);
  const texts = typeof rows[0] === 'object' ? (rows as ArrayLike<number>[]) : [rows as number[]];
  const [length] = texts.map((text) => text.length);
  if (length === 0 || texts.some((text) => text.length !== length)) {
    throw new ShapeError(
      'The token ids',
      '[T] or [B, T], T of at least 1',
      texts.map((text) => text.length),
    );
  }
  const values = Int32Array.from(texts.flatMap((text) => Array.from(text)));
  const unknown = texts
    .flatMap((text) => Array.from(text))
    .find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabSize));
  if (unknown !== undefined) throw new TokenRangeError(unknown, vocabSize);
  return tensor2d(values, [texts.length, length], 'int32');
}
