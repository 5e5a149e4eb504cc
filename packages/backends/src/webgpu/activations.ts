import { activations, functions } from '../shaders/formulas.ts';
import { sizeOf } from '../size-of.ts';
import { dispatch, groupsFor, LANES } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

const declarations = Object.entries(functions)
  .map(([name, expression]) => `fn ${name}(x: f32) -> f32 { return ${expression}; }`)
  .join('\n');

/** @param value of element i, where x is that of the input `x` */
const elementwise =
  (name: string, value: string): Kernel =>
  (backend, inputs) => {
    const size = sizeOf(inputs.x);
    const { y } = dispatch(backend, {
      name,
      inputs,
      outputs: { y: inputs.x.shape },
      ints: { size },
      declarations,
      code: `
        let i = group * ${LANES} + lane;
        if (i >= sizes.size) { return; }
        let x = x[i];
        y[i] = ${value};
      `,
      groups: groupsFor(size),
    });
    return [y];
  };

const swiglu: Kernel = (backend, { gate, up }) => {
  const size = sizeOf(gate);
  const { y } = dispatch(backend, {
    name: 'SwiGLU',
    inputs: { gate, up },
    outputs: { y: gate.shape },
    ints: { size },
    declarations,
    code: `
      let i = group * ${LANES} + lane;
      if (i < sizes.size) { y[i] = gate[i] * sigmoid(gate[i]) * up[i]; }
    `,
    groups: groupsFor(size),
  });
  return [y];
};

const swigluGrad: Kernel = (backend, { dy, gate, up }) => {
  const size = sizeOf(gate);
  const { dGate, dUp } = dispatch(backend, {
    name: 'SwiGLUGrad',
    inputs: { dy, gate, up },
    outputs: { dGate: gate.shape, dUp: up.shape },
    ints: { size },
    declarations,
    code: `
      let i = group * ${LANES} + lane;
      if (i >= sizes.size) { return; }
      let x = gate[i];
      dGate[i] = dy[i] * up[i] * siluSlope(x);
      dUp[i] = dy[i] * x * sigmoid(x);
    `,
    groups: groupsFor(size),
  });
  return [dGate, dUp];
};

export const activationKernels: Readonly<Record<string, Kernel>> = {
  ...Object.fromEntries(
    Object.entries(activations).flatMap(([name, { y, slope }]) => [
      [name, elementwise(name, y)],
      [`${name}Grad`, elementwise(`${name}Grad`, `dy[i] * (${slope})`)],
    ]),
  ),
  SwiGLU: swiglu,
  SwiGLUGrad: swigluGrad,
};
