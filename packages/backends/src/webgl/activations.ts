import { activations, functions } from '../shaders/formulas.ts';
import { sizeOf } from '../size-of.ts';
import type { Kernel } from './kernel.ts';
import { runPass, runPassInParts } from './pass.ts';

const glsl = Object.entries(functions)
  .map(([name, expression]) => `float ${name}(float x) { return ${expression}; }`)
  .join('\n');

const elementwise =
  (value: string): Kernel =>
  (backend, inputs) => {
    const { shape } = inputs.x;
    return [runPass(backend, shape, { inputs, size: sizeOf(inputs.x), functions: glsl, value })];
  };

const swiglu: Kernel = (backend, { gate, up }) => [
  runPass(backend, gate.shape, {
    inputs: { gate, up },
    size: sizeOf(gate),
    functions: glsl,
    value: 'float x = getGate(i); return x * sigmoid(x) * getUp(i);',
  }),
];

const swigluGrad: Kernel = (backend, { dy, gate, up }) =>
  runPassInParts(backend, [gate.shape, up.shape], {
    inputs: { dy, gate, up },
    ints: { size: sizeOf(gate) },
    functions: glsl,
    value: `
      if (i < size) return getDy(i) * getUp(i) * siluSlope(getGate(i));
      float x = getGate(i - size);
      return getDy(i - size) * x * sigmoid(x);
    `,
  });

export const activationKernels: Readonly<Record<string, Kernel>> = {
  ...Object.fromEntries(
    Object.entries(activations).flatMap(([name, { y, slope }]) => [
      [name, elementwise(`float x = getX(i); return ${y};`)],
      [`${name}Grad`, elementwise(`float x = getX(i); return getDy(i) * (${slope});`)],
    ]),
  ),
  SwiGLU: swiglu,
  SwiGLUGrad: swigluGrad,
};
