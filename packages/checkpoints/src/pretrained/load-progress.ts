/** How far a model has come. */
export interface LoadProgress {
  /** Files are downloaded, then weights go into the model. */
  readonly stage: 'download' | 'load';
  /** The file that is being downloaded, or the tensor that is in place by now. */
  readonly name: string;
  /** Bytes so far and in all: of that file, or of all weights as they are stored. */
  readonly loadedBytes: number;
  readonly totalBytes: number;
}
