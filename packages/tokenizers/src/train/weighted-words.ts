/**
 * The distinct words of a corpus with how often each occurs: all that a subword trainer needs to know of it.
 *
 * Word w is `symbols[starts[w]] … symbols[starts[w + 1] - 1]`, ids of an alphabet (bytes or characters); words stand in
 * the order in which the corpus first had them.
 */
export interface WeightedWords {
  readonly symbols: Int32Array;
  /** One more entry than there are words. */
  readonly starts: Int32Array;
  readonly counts: Float64Array;
}
