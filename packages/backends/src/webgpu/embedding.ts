import { sizeOf } from '../size-of.ts';
import { dispatch, groupsFor, LANES } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** WGSL adds atomically to integers only: each element of the table looks for the ids that are its own. */
const embeddingGrad: Kernel = (backend, { ids, dy }, { vocabSize }) => {
  const width = dy.shape[1];
  const size = (vocabSize as number) * width;
  const { dWeight } = dispatch(backend, {
    name: 'EmbeddingGrad',
    inputs: { ids, dy },
    outputs: { dWeight: [vocabSize as number, width] },
    ints: { size, count: sizeOf(ids), width },
    code: `
      let i = group * ${LANES} + lane;
      if (i >= sizes.size) { return; }
      let v = i / sizes.width;
      let c = i - v * sizes.width;
      var total = 0.0;
      for (var n = 0; n < sizes.count; n++) {
        if (ids[n] == v) { total += dy[n * sizes.width + c]; }
      }
      dWeight[i] = total;
    `,
    groups: groupsFor(size),
  });
  return [dWeight];
};

export const embeddingKernels: Readonly<Record<string, Kernel>> = { EmbeddingGrad: embeddingGrad };
