/** The runtimes that a model can run on. */
export type BackendName = 'cpu' | 'wasm' | 'node';

/** A backend that runs: tfjs's current one from here on. */
export interface StartedBackend {
  readonly name: BackendName;
  /** What computes, in words for a person: `WebAssembly (SIMD, 1 thread)`. */
  readonly description: string;
  /** The version of the library that computes. */
  readonly version: string;
}
