import type { TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { bitsOf, type Command, type Kernels, parts, registerWasmKernel } from './kernels.ts';

/** Elements in a unit, as in assembly/elementwise.ts. */
const ELEMENTS = 4096;

/** In the order of assembly/elementwise.ts. */
const activations = ['GeluErf', 'GeluTanh', 'Silu', 'ReluSquared'];

export function registerElementwise(all: Kernels): void {
  for (const [which, name] of activations.entries()) {
    registerWasmKernel(name, all, ({ inputs: { x }, kernels }) => {
      const y = kernels.output(x.shape);
      const count = sizeOf(x);
      const args = [kernels.offsetOf(x), kernels.offsetOf(y), count, which];
      kernels.run([{ kernel: 'activation', units: parts(count, ELEMENTS), work: 20 * count, args }]);
      return y;
    });
    registerWasmKernel(`${name}Grad`, all, ({ inputs: { dy, x }, kernels }) => {
      const dx = kernels.output(x.shape);
      const count = sizeOf(x);
      const args = [kernels.offsetOf(x), kernels.offsetOf(dy), kernels.offsetOf(dx), count, which];
      kernels.run([{ kernel: 'activationGradient', units: parts(count, ELEMENTS), work: 20 * count, args }]);
      return dx;
    });
  }

  registerWasmKernel('SwiGLU', all, ({ inputs: { gate, up }, kernels }) => {
    const y = kernels.output(gate.shape);
    const count = sizeOf(gate);
    const args = [...[gate, up, y].map(kernels.offsetOf), count];
    kernels.run([{ kernel: 'swiglu', units: parts(count, ELEMENTS), work: 20 * count, args }]);
    return y;
  });
  registerWasmKernel('SwiGLUGrad', all, ({ inputs: { dy, gate, up }, kernels }) => {
    const [dGate, dUp] = [kernels.output(gate.shape), kernels.output(gate.shape)];
    const count = sizeOf(gate);
    const args = [...[gate, up, dy, dGate, dUp].map(kernels.offsetOf), count];
    kernels.run([{ kernel: 'swigluGradient', units: parts(count, ELEMENTS), work: 20 * count, args }]);
    return [dGate, dUp];
  });

  registerWasmKernel('GlobalNorm', all, ({ inputs, kernels }) => {
    const grads = Object.values(inputs);
    const norm = kernels.output([]);
    const units = grads.map((grad) => parts(sizeOf(grad), ELEMENTS));
    const sums = kernels.scratch(4 * units.reduce((sum, count) => sum + count, 0));
    let at = sums;
    const commands: Command[] = grads.map((grad, i) => {
      const args = [kernels.offsetOf(grad), at, sizeOf(grad)];
      at += 4 * units[i];
      return { kernel: 'squaredSums', units: units[i], work: 4 * sizeOf(grad), args };
    });
    const args = [sums, kernels.offsetOf(norm), (at - sums) / 4];
    kernels.run([...commands, { kernel: 'rootOfSum', units: 1, work: 0, args }]);
    return norm;
  });

  registerWasmKernel('ScaleAll', all, ({ inputs: { factor, ...inputs }, kernels }) => {
    const tensors = Object.values(inputs);
    const scaled = tensors.map(({ shape }) => kernels.output(shape));
    kernels.run(
      tensors.map((x, i) => {
        const count = sizeOf(x);
        const args = [kernels.offsetOf(x), kernels.offsetOf(scaled[i]), count, kernels.offsetOf(factor)];
        return { kernel: 'scale', units: parts(count, ELEMENTS), work: 20 * count, args };
      }),
    );
    return scaled;
  });
}

/** All parameters in one list of commands, each in the memory that it has. */
export function registerAdamW(all: Kernels): void {
  registerWasmKernel('AdamWAll', all, ({ inputs, attrs, kernels }) => {
    const { decay, rate, epsilon } = inputs;
    const { beta1, beta2 } = attrs as { beta1: number; beta2: number };
    const next: TensorInfo[] = [];
    const commands = (attrs.decays as boolean[]).map((decays, i): Command => {
      const [parameter, grad, expAvg, expAvgSq] = adamWInputs.map((name) => inputs[`${name}${i}`]);
      const own = [parameter, expAvg, expAvgSq].map((tensor) => kernels.outputOver(tensor));
      next.push(...own);
      const count = sizeOf(parameter);
      const args = [
        ...[parameter, grad, expAvg, expAvgSq, ...own].map(kernels.offsetOf),
        count,
        ...[decays ? decay : undefined, rate, epsilon].map(kernels.offsetOf),
        ...[1 - beta1, beta2, 1 - beta2].map(bitsOf),
      ];
      return { kernel: 'adamW', units: parts(count, ELEMENTS), work: 20 * count, args };
    });
    kernels.run(commands);
    return next;
  });
}

const adamWInputs = ['parameter', 'grad', 'expAvg', 'expAvgSq'];
