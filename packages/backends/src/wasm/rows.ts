import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import { sizeOf } from '../size-of.ts';
import { bitsOf, type Kernels, parts, registerWasmKernel } from './kernels.ts';

/** Rows, and columns, in a unit, as in assembly/rows.ts. */
const ROWS = 16;
const COLUMNS = 64;
/** Into so many sums at most the gradient of a norm's weights is split. */
const PARTIAL_SUMS = 16;

export function registerNorms(all: Kernels): void {
  registerWasmKernel('LayerNorm', all, ({ inputs: { x, weight, bias }, attrs, kernels }) => {
    const [count, width] = x.shape;
    const out = [kernels.output(x.shape), kernels.output([count, 1]), kernels.output([count, 1])];
    const args = [
      ...[x, weight, bias, ...out].map(kernels.offsetOf),
      count,
      width,
      bitsOf(attrs.eps as number),
    ];
    kernels.run([{ kernel: 'layerNorm', units: parts(count, ROWS), work: 20 * count * width, args }]);
    return out;
  });
  registerWasmKernel('RMSNorm', all, ({ inputs: { x, weight }, attrs, kernels }) => {
    const [count, width] = x.shape;
    const out = [kernels.output(x.shape), kernels.output([count, 1])];
    const args = [...[x, weight, ...out].map(kernels.offsetOf), count, width, bitsOf(attrs.eps as number)];
    kernels.run([{ kernel: 'rmsNorm', units: parts(count, ROWS), work: 20 * count * width, args }]);
    return out;
  });
  for (const name of ['LayerNorm', 'RMSNorm']) {
    registerWasmKernel(`${name}Grad`, all, ({ inputs: { dy, x, weight, mean, rstd }, kernels }) => {
      const [count, width] = x.shape;
      const [dx, dWeight, dBias] = [x.shape, [width], [width]].map((shape) => kernels.output(shape));
      const rows = parts(count, PARTIAL_SUMS);
      const units = parts(count, rows);
      const partials = kernels.scratch(8 * units * width);
      const offsets = [dy, x, weight, mean, rstd, dx].map(kernels.offsetOf);
      const sumUnits = parts(width, COLUMNS);
      const sumArgs = [units, width, 2 * width];
      kernels.run([
        {
          kernel: 'normGradient',
          units,
          work: 20 * count * width,
          args: [...offsets, partials, count, width, rows],
        },
        {
          kernel: 'sumRows',
          units: sumUnits,
          work: 0,
          args: [partials, kernels.offsetOf(dWeight), ...sumArgs],
        },
        {
          kernel: 'sumRows',
          units: sumUnits,
          work: 0,
          args: [partials + 4 * width, kernels.offsetOf(dBias), ...sumArgs],
        },
      ]);
      return [dx, dWeight, dBias];
    });
  }
}

export function registerCrossEntropy(all: Kernels): void {
  const options = ({ ignoreIndex, labelSmoothing }: NamedAttrMap) => [
    ignoreIndex as number,
    bitsOf(labelSmoothing as number),
  ];
  registerWasmKernel('CrossEntropy', all, ({ inputs: { logits, targets }, attrs, kernels }) => {
    const [count, width] = logits.shape;
    const out = [kernels.output([count]), kernels.output([count])];
    const args = [...[logits, targets, ...out].map(kernels.offsetOf), count, width, ...options(attrs)];
    kernels.run([{ kernel: 'crossEntropy', units: parts(count, ROWS), work: 20 * count * width, args }]);
    return out;
  });
  registerWasmKernel('CrossEntropyGrad', all, ({ inputs, attrs, kernels }) => {
    const { dy, logits, targets, logSumExp } = inputs;
    const [count, width] = logits.shape;
    const dLogits = kernels.output(logits.shape);
    const offsets = [dy, logits, targets, logSumExp, dLogits].map(kernels.offsetOf);
    const args = [...offsets, count, width, ...options(attrs)];
    kernels.run([
      { kernel: 'crossEntropyGradient', units: parts(count, ROWS), work: 20 * count * width, args },
    ]);
    return dLogits;
  });
}

export function registerEmbedding(all: Kernels): void {
  registerWasmKernel('EmbeddingGrad', all, ({ inputs: { ids, dy }, attrs, kernels }) => {
    const vocabSize = attrs.vocabSize as number;
    const [count, width] = dy.shape;
    const dWeight = kernels.output([vocabSize, width]);
    const args = [...[ids, dy, dWeight].map(kernels.offsetOf), count, width, vocabSize];
    kernels.run([
      { kernel: 'embeddingGradient', units: parts(width, COLUMNS), work: 4 * count * width, args },
    ]);
    return dWeight;
  });
}

export function registerRope(all: Kernels): void {
  registerWasmKernel('Rope', all, ({ inputs: { x, cos, sin }, attrs, kernels }) => {
    const [batch, heads, length, width] = x.shape;
    const half = cos.shape[3];
    const y = kernels.output(x.shape);
    const perRow = cos.shape[0] === 1 ? 0 : length * half;
    const interleaved = Number(attrs.layout === 'interleaved');
    const sizes = [heads, length, width, half, perRow, interleaved];
    const args = [...[x, cos, sin, y].map(kernels.offsetOf), ...sizes];
    kernels.run([{ kernel: 'rope', units: batch * heads, work: 4 * sizeOf(x), args }]);
    return y;
  });
}
