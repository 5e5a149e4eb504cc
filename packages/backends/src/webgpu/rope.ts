import { sizeOf } from '../size-of.ts';
import { dispatch, groupsFor, LANES } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

const rope: Kernel = (backend, { x, cos, sin }, { layout }) => {
  const [, heads, t, d] = x.shape;
  const [batch, , , half] = cos.shape;
  const size = sizeOf(x);
  const { y } = dispatch(backend, {
    name: 'Rope',
    inputs: { x, cosines: cos, sines: sin },
    outputs: { y: x.shape },
    ints: { size, heads, t, d, half, batch, interleaved: Number(layout === 'interleaved') },
    code: `
      let i = group * ${LANES} + lane;
      if (i >= sizes.size) { return; }
      let row = i / sizes.d;
      let at = i - row * sizes.d; // within the head
      if (at >= 2 * sizes.half) {
        y[i] = x[i];
        return;
      }
      let interleaved = sizes.interleaved == 1;
      let second = select(at >= sizes.half, at % 2 == 1, interleaved);
      let apart = select(sizes.half, 1, interleaved);
      let pair = select(at % sizes.half, at / 2, interleaved);
      let ofRow = select(row / (sizes.heads * sizes.t), 0, sizes.batch == 1);
      let angle = (ofRow * sizes.t + row % sizes.t) * sizes.half + pair;
      if (second) {
        y[i] = x[i - apart] * sines[angle] + x[i] * cosines[angle];
      } else {
        y[i] = x[i] * cosines[angle] - x[i + apart] * sines[angle];
      }
    `,
    groups: groupsFor(size),
  });
  return [y];
};

export const ropeKernels: Readonly<Record<string, Kernel>> = { Rope: rope };
