import { sizeOf } from '../size-of.ts';
import type { Kernel } from './kernel.ts';
import { runPass } from './pass.ts';

/** WebGL cannot add to a place of its choice: each element of the table looks for the ids that are its own. */
const embeddingGrad: Kernel = (backend, { ids, dy }, { vocabSize }) => {
  const width = dy.shape[1];
  return [
    runPass(backend, [vocabSize as number, width], {
      inputs: { ids, dy },
      size: (vocabSize as number) * width,
      ints: { count: sizeOf(ids), width },
      value: `
        int v = i / width;
        int c = i - v * width;
        float total = 0.0;
        for (int n = 0; n < count; n++) if (int(round(getIds(n))) == v) total += getDy(n * width + c);
        return total;
      `,
    }),
  ];
};

export const embeddingKernels: Readonly<Record<string, Kernel>> = { EmbeddingGrad: embeddingGrad };
