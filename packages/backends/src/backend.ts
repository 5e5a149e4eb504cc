import type { DeviceFailedError } from './errors.ts';

/** The runtimes that a model can run on. */
export type BackendName = 'cpu' | 'wasm' | 'node' | 'webgl' | 'webgpu';

/** A backend that runs: tfjs's current one from here on. */
export interface StartedBackend {
  readonly name: BackendName;
  /** What computes, in words for a person: `WebAssembly (SIMD, 1 thread)`. */
  readonly description: string;
  /** The version of the library that computes. */
  readonly version: string;
  /** How many threads compute; not told of a graphics card. */
  readonly threads?: number;
  /** Where the tensors live on a device that can go away: WebGL and WebGPU. */
  readonly device?: DeviceWatch;
}

/** Says when a device has lost its tensors: it was reset, taken away, or had no memory left. */
export interface DeviceWatch {
  /** Resolves when the device fails, and never where it does not. */
  readonly failed: Promise<DeviceFailedError>;
  /** Asks the device, and throws if it has failed; it waits for what is under way. @throws DeviceFailedError */
  check(): void;
}
