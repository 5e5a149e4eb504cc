import type { JsonObject } from '../json.ts';
import { GgufError } from './errors.ts';
import type { MetadataReader } from './metadata-reader.ts';

/** The tensor that holds Llama 3's divisors of the rotary frequencies. */
export const ROPE_FACTORS = 'rope_freqs.weight';

/**
 * `rope_scaling` as Hugging Face's config spells it, from `llama.rope.scaling.*`; undefined where positions are not scaled.
 *
 * @throws GgufError for a kind that is not known
 */
export function ropeScaling(metadata: MetadataReader): JsonObject | undefined {
  const factor = metadata.decimal('llama.rope.scaling.factor') ?? metadata.decimal('llama.rope.scale_linear');
  const type = metadata.string('llama.rope.scaling.type') ?? (factor === undefined ? 'none' : 'linear');
  const original = metadata.size('llama.rope.scaling.original_context_length');
  switch (type) {
    case 'none':
      return undefined;
    case 'linear':
      return { rope_type: 'linear', factor: factor ?? 1 };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: factor ?? 1,
        ...(original !== undefined && { original_max_position_embeddings: original }),
      };
    default:
      return metadata.refuse('llama.rope.scaling.type', 'none, linear or yarn');
  }
}

/** What Llama 3.1, 3.2 and 3.3 have; the file keeps only the divisors that follow from them. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/**
 * `rope_scaling` of Llama 3 from the divisors `[D/2]` of the rotary frequencies that it leads to
 * (transformers, modeling_rope_utils.py, `_compute_llama3_parameters`).
 *
 * @throws GgufError where the divisors are not Llama 3's
 */
export function llama3Scaling(divisors: ArrayLike<number>, theta: number): JsonObject | undefined {
  const factor = Math.max(...Array.from(divisors));
  if (factor === 1) return undefined;
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = LLAMA3;
  for (let i = 0; i < divisors.length; i++) {
    const wavelength = 2 * Math.PI * theta ** (i / divisors.length);
    const share = Math.min(1, Math.max(0, (original / wavelength - low) / (high - low)));
    const expected = 1 / ((1 - share) / factor + share);
    if (Math.abs(divisors[i] / expected - 1) < 1e-4) continue;
    throw new GgufError(
      'values',
      `the divisors of rotary frequencies must be Llama 3's (${JSON.stringify(LLAMA3)}, factor ${factor}), but number ${i} ` +
        `is ${divisors[i]} and should be ${expected}.`,
      { tensor: ROPE_FACTORS },
    );
  }
  return { rope_type: 'llama3', factor, ...LLAMA3 };
}
