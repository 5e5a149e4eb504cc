import { sizeOf } from '../size-of.ts';
import type { Kernel } from './kernel.ts';
import { runPass } from './pass.ts';

const rope: Kernel = (backend, { x, cos, sin }, { layout }) => {
  const [, heads, t, d] = x.shape;
  const [batch, , , half] = cos.shape;
  return [
    runPass(backend, x.shape, {
      inputs: { x, cosines: cos, sines: sin },
      size: sizeOf(x),
      ints: { heads, t, d, pairs: half, batch, interleaved: Number(layout === 'interleaved') },
      value: `
        int row = i / d;
        int at = i - row * d; // within the head
        if (at >= 2 * pairs) return getX(i);
        bool second = interleaved == 1 ? at % 2 == 1 : at >= pairs;
        int apart = interleaved == 1 ? 1 : pairs;
        int pair = interleaved == 1 ? at / 2 : at % pairs;
        int ofRow = batch == 1 ? 0 : row / (heads * t);
        int angle = (ofRow * t + row % t) * pairs + pair;
        float c = getCosines(angle);
        float s = getSines(angle);
        return second ? getX(i - apart) * s + getX(i) * c : getX(i) * c - getX(i + apart) * s;
      `,
    }),
  ];
};

export const ropeKernels: Readonly<Record<string, Kernel>> = { Rope: rope };
