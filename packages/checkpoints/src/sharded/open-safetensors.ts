import { dtypeOf } from '../safetensors/dtypes.ts';
import { headerLength, LENGTH_BYTES, parseHeader, type SafetensorsLimits } from '../safetensors/header.ts';
import { decodeTensor } from '../safetensors/read.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { type LazyStateDict, TensorNotFoundError } from '../source/lazy-state-dict.ts';

/** An open safetensors file. */
export interface LazySafetensors extends LazyStateDict {
  /** The strings under `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Opens a safetensors file: reads its header, and tensors when they are asked for, widened or narrowed as `readSafetensors` does.
 *
 * @throws SafetensorsError naming the tensor and the rule
 * @throws SourceError where the source cannot be read
 */
export async function openSafetensors(
  source: ByteSource,
  limits?: SafetensorsLimits,
): Promise<LazySafetensors> {
  const prefix = await source.readAt(0, Math.min(LENGTH_BYTES, source.size));
  const length = headerLength(prefix, source.size, limits);
  const dataBegin = LENGTH_BYTES + length;
  const header = parseHeader(await source.readAt(LENGTH_BYTES, length), source.size - dataBegin);
  const entries = new Map(header.entries.map((entry) => [entry.name, entry]));
  const infos = header.entries.map(({ name, dtype, shape, begin, end }) => {
    const info = { shape, dtype: dtypeOf(dtype).hostDtype, storedAs: dtype, storedBytes: end - begin };
    return [name, info] as const;
  });
  return {
    metadata: header.metadata,
    tensors: new Map(infos),
    async read(name) {
      const entry = entries.get(name);
      if (entry === undefined) throw new TensorNotFoundError(name, source.name);
      return decodeTensor(entry, await source.readAt(dataBegin + entry.begin, entry.end - entry.begin));
    },
    close: () => source.close(),
  };
}
