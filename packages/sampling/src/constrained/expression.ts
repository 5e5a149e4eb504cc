/** From and to, both included. */
export type CodePointRange = readonly [low: number, high: number];

/** A set of texts, as a tree that an `Automaton` is built from. */
export type Expression =
  /** One text. */
  | { readonly type: 'text'; readonly text: string }
  /** One character of these. */
  | { readonly type: 'characters'; readonly ranges: readonly CodePointRange[] }
  | { readonly type: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly type: 'choice'; readonly options: readonly Expression[] }
  | { readonly type: 'repeat'; readonly of: Expression; readonly min: number; readonly max: number }
  /** Members in this order, some of which may be left out, with the separator between those that are there. */
  | { readonly type: 'joined'; readonly members: readonly Member[]; readonly separator: string };

export interface Member {
  readonly of: Expression;
  readonly required: boolean;
  /** May come several times in a row. */
  readonly repeats: boolean;
}

export const LAST_CODE_POINT = 0x10ffff;

export const text = (value: string): Expression => ({ type: 'text', text: value });
export const characters = (...ranges: readonly CodePointRange[]): Expression => ({
  type: 'characters',
  ranges,
});
export const sequence = (...parts: readonly Expression[]): Expression => ({ type: 'sequence', parts });
export const choice = (...options: readonly Expression[]): Expression => ({ type: 'choice', options });
export const repeat = (of: Expression, min: number, max: number): Expression => ({
  type: 'repeat',
  of,
  min,
  max,
});

/** All characters but these. */
export function complement(ranges: readonly CodePointRange[]): CodePointRange[] {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const [low, high] of ranges.toSorted(([a], [b]) => a - b)) {
    if (low > next) gaps.push([next, low - 1]);
    next = Math.max(next, high + 1);
  }
  if (next <= LAST_CODE_POINT) gaps.push([next, LAST_CODE_POINT]);
  return gaps;
}
