import { mul, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { InspectionError } from './errors.ts';
import type { Edit } from './patch.ts';

/**
 * Takes heads out: zeros what they gathered (`….z`), or what else is `[B, H, T, …]`. Zero ablation, as in Michel, Levy &
 * Neubig 2019, "Are sixteen heads really better than one?".
 *
 * The edit throws InspectionError for a head that the layer does not have.
 */
export function zeroHeads(...heads: readonly number[]): Edit {
  return (activation: Tensor, path: string) => {
    const count = activation.shape[1] as number;
    const unknown = heads.find((head) => !(Number.isInteger(head) && head >= 0 && head < count));
    if (activation.rank !== 4 || unknown !== undefined) {
      throw new InspectionError(
        `Heads are taken out of activations [B, H, T, …] by their number, but '${path}' is [${activation.shape}] and head ${unknown ?? heads} came.`,
      );
    }
    const kept = Array.from({ length: count }, (_, head) => (heads.includes(head) ? 0 : 1));
    return mul(activation, tensor(kept, [1, count, 1, 1]));
  };
}
