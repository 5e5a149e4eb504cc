import type { Kernel } from './kernel.ts';
import { runPass, sizeOf } from './pass.ts';

const rope: Kernel = (backend, { x, cos, sin }, { layout }) => {
  const [, heads, t, d] = x.shape;
  const [batch, , , half] = cos.shape;
  return [
    runPass(backend, x.shape, {
      inputs: { x, cos, sin },
      size: sizeOf(x),
      ints: { heads, t, d, half, batch, interleaved: Number(layout === 'interleaved') },
      value: `
        int row = i / d;
        int at = i - row * d; // within the head
        if (at >= 2 * half) return getX(i);
        bool second = interleaved == 1 ? at % 2 == 1 : at >= half;
        int apart = interleaved == 1 ? 1 : half;
        int pair = interleaved == 1 ? at / 2 : at % half;
        int ofRow = batch == 1 ? 0 : row / (heads * t);
        int angle = (ofRow * t + row % t) * half + pair;
        float c = getCos(angle);
        float s = getSin(angle);
        return second ? getX(i - apart) * s + getX(i) * c : getX(i) * c - getX(i + apart) * s;
      `,
    }),
  ];
};

export const ropeKernels: Readonly<Record<string, Kernel>> = { Rope: rope };
