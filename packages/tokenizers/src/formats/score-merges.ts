import { type Piece, PieceType } from './piece-type.ts';

/** Longer pieces, in UTF-16 units, are not cut into pairs. SentencePiece's trainer makes none longer than 16 by default. */
const LONGEST_MERGED_PIECE = 128;

/**
 * SentencePiece's BPE has no list of merges: whichever neighbours join to the piece with the highest score do so first.
 * The same as a list: every way to cut a piece into two pieces, best score first. Among cuts of one piece, and of pieces
 * with equal scores, the order is that of the vocabulary.
 */
export function mergesOfScores(pieces: readonly Piece[]): (readonly [string, string])[] {
  const joinable = ({ type }: Piece) => type === PieceType.normal;
  const ids = new Map<string, number>();
  pieces.forEach((piece, id) => {
    if (joinable(piece)) ids.set(piece.piece, id);
  });
  const order = [...ids.values()].sort((a, b) => pieces[b]!.score - pieces[a]!.score || a - b);
  const merges: (readonly [string, string])[] = [];
  for (const id of order) {
    const { piece } = pieces[id]!;
    if (piece.length > LONGEST_MERGED_PIECE) continue;
    const cuts: (readonly [left: number, right: number])[] = [];
    for (let cut = 1; cut < piece.length; cut++) {
      const left = ids.get(piece.slice(0, cut));
      if (left === undefined) continue;
      const right = ids.get(piece.slice(cut));
      if (right !== undefined) cuts.push([left, right]);
    }
    cuts.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    for (const [left, right] of cuts) merges.push([pieces[left]!.piece, pieces[right]!.piece]);
  }
  return merges;
}
