import type { Kernel } from './kernel.ts';
import { runPass, runPassInParts } from './pass.ts';

/** Rows `[N, C]`. Two passes: what a row has in common, then its elements. */
const layerNorm: Kernel = (backend, { x, weight, bias }, { eps }) => {
  const [rows, width] = x.shape;
  const [mean, rstd] = runPassInParts(
    backend,
    [
      [rows, 1],
      [rows, 1],
    ],
    {
      inputs: { x },
      ints: { rows, width },
      floats: { eps: eps as number },
      value: `
      int begin = (i < rows ? i : i - rows) * width;
      float mean = 0.0;
      for (int c = 0; c < width; c++) mean += getX(begin + c);
      mean /= float(width);
      if (i < rows) return mean;
      float variance = 0.0;
      for (int c = 0; c < width; c++) {
        float centered = getX(begin + c) - mean;
        variance += centered * centered;
      }
      return inversesqrt(variance / float(width) + eps);
    `,
    },
  );
  const y = runPass(backend, x.shape, {
    inputs: { x, weight, mean, rstd, ...(bias && { bias }) },
    size: rows * width,
    ints: { width },
    value: `
      int row = i / width;
      int c = i - row * width;
      float scaled = (getX(i) - getMean(row)) * getRstd(row) * getWeight(c);
      return ${bias ? 'scaled + getBias(c)' : 'scaled'};
    `,
  });
  return [y, mean, rstd];
};

const layerNormGrad: Kernel = (backend, inputs) => {
  const { x, weight } = inputs;
  const [rows, width] = x.shape;
  const functions = `
    float normalized(int at, int row) { return (getX(at) - getMean(row)) * getRstd(row); }
    float dNormalized(int at, int c) { return getDy(at) * getWeight(c); }
  `;
  const [dMean, along] = runPassInParts(backend, [[rows], [rows]], {
    inputs,
    ints: { rows, width },
    functions,
    value: `
      int row = i < rows ? i : i - rows;
      float total = 0.0;
      for (int c = 0; c < width; c++) {
        int at = row * width + c;
        float d = dNormalized(at, c);
        total += i < rows ? d : d * normalized(at, row);
      }
      return total / float(width);
    `,
  });
  const dx = runPass(backend, x.shape, {
    inputs: { ...inputs, dMean, along },
    size: rows * width,
    ints: { width },
    functions,
    value: `
      int row = i / width;
      float centered = dNormalized(i, i - row * width) - getDMean(row) - normalized(i, row) * getAlong(row);
      return centered * getRstd(row);
    `,
  });
  backend.disposeIntermediateTensorInfo(dMean);
  backend.disposeIntermediateTensorInfo(along);
  const { dy, mean, rstd } = inputs;
  const [dWeight, dBias] = runPassInParts(backend, [weight.shape, weight.shape], {
    inputs: { dy, x, mean, rstd },
    ints: { rows, width },
    value: `
      int c = i < width ? i : i - width;
      float total = 0.0;
      for (int row = 0; row < rows; row++) {
        int at = row * width + c;
        float d = getDy(at);
        total += i < width ? d * (getX(at) - getMean(row)) * getRstd(row) : d;
      }
      return total;
    `,
  });
  return [dx, dWeight, dBias];
};

const rmsNorm: Kernel = (backend, { x, weight }, { eps }) => {
  const [rows, width] = x.shape;
  const rstd = runPass(backend, [rows, 1], {
    inputs: { x },
    size: rows,
    ints: { width },
    floats: { eps: eps as number },
    value: `
      float squares = 0.0;
      for (int c = 0; c < width; c++) {
        float x = getX(i * width + c);
        squares += x * x;
      }
      return inversesqrt(squares / float(width) + eps);
    `,
  });
  const y = runPass(backend, x.shape, {
    inputs: { x, weight, rstd },
    size: rows * width,
    ints: { width },
    value: 'int row = i / width; return getX(i) * getRstd(row) * getWeight(i - row * width);',
  });
  return [y, rstd];
};

const rmsNormGrad: Kernel = (backend, inputs) => {
  const { dy, x, weight, rstd } = inputs;
  const [rows, width] = x.shape;
  const along = runPass(backend, [rows], {
    inputs,
    size: rows,
    ints: { width },
    value: `
      float total = 0.0;
      for (int c = 0; c < width; c++) {
        int at = i * width + c;
        total += getDy(at) * getWeight(c) * getX(at);
      }
      return total * getRstd(i) / float(width);
    `,
  });
  const dx = runPass(backend, x.shape, {
    inputs: { ...inputs, along },
    size: rows * width,
    ints: { width },
    value: `
      int row = i / width;
      float rstd = getRstd(row);
      return (getDy(i) * getWeight(i - row * width) - getX(i) * rstd * getAlong(row)) * rstd;
    `,
  });
  backend.disposeIntermediateTensorInfo(along);
  const dWeight = runPass(backend, weight.shape, {
    inputs: { dy, x, rstd },
    size: width,
    ints: { rows, width },
    value: `
      float total = 0.0;
      for (int row = 0; row < rows; row++) {
        int at = row * width + i;
        total += getDy(at) * getX(at) * getRstd(row);
      }
      return total;
    `,
  });
  return [dx, dWeight];
};

const sumRows: Kernel = (backend, { x }) => {
  const [rows, width] = x.shape;
  return [
    runPass(backend, [width], {
      inputs: { x },
      size: width,
      ints: { rows, width },
      value: `
        float total = 0.0;
        for (int row = 0; row < rows; row++) total += getX(row * width + i);
        return total;
      `,
    }),
  ];
};

export const normKernels: Readonly<Record<string, Kernel>> = {
  LayerNorm: layerNorm,
  LayerNormGrad: layerNormGrad,
  RMSNorm: rmsNorm,
  RMSNormGrad: rmsNormGrad,
  SumRows: sumRows,
};
