/** As much of a token stream as windows read: typed arrays are one, and so are shards, which stay on the disk. */
export interface TokenSequence {
  readonly length: number;
  /** The ids of [start, end), as `TypedArray.subarray` counts. */
  subarray(start: number, end: number): ArrayLike<number>;
}
