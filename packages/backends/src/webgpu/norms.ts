import { dispatch, groupsFor, LANES, reductions } from './dispatch.ts';
import type { Kernel } from './kernel.ts';

/** Rows `[N, C]`, a workgroup each. */
const layerNorm: Kernel = (backend, { x, weight, bias }, { eps }) => {
  const [rows, width] = x.shape;
  const { y, mean, rstd } = dispatch(backend, {
    name: bias ? 'LayerNorm' : 'LayerNormWithoutBias',
    inputs: { x, weight, ...(bias && { bias }) },
    outputs: { y: x.shape, mean: [rows, 1], rstd: [rows, 1] },
    ints: { width },
    floats: { eps: eps as number },
    declarations: reductions,
    code: `
      let begin = group * sizes.width;
      var total = 0.0;
      for (var c = lane; c < sizes.width; c += ${LANES}) { total += x[begin + c]; }
      let center = reduceSum(total, lane) / f32(sizes.width);
      var squares = 0.0;
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        let centered = x[begin + c] - center;
        squares += centered * centered;
      }
      let scale = inverseSqrt(reduceSum(squares, lane) / f32(sizes.width) + sizes.eps);
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        y[begin + c] = (x[begin + c] - center) * scale * weight[c] ${bias ? '+ bias[c]' : ''};
      }
      if (lane == 0) {
        mean[group] = center;
        rstd[group] = scale;
      }
    `,
    groups: rows,
  });
  return [y, mean, rstd];
};

const layerNormGrad: Kernel = (backend, inputs) => {
  const { dy, x, weight, mean, rstd } = inputs;
  const [rows, width] = x.shape;
  const { dx } = dispatch(backend, {
    name: 'LayerNormGrad',
    inputs: { dy, x, weight, mean, rstd },
    outputs: { dx: x.shape },
    ints: { width },
    declarations: reductions,
    code: `
      let begin = group * sizes.width;
      let center = mean[group];
      let scale = rstd[group];
      var total = 0.0;
      var product = 0.0;
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        let d = dy[begin + c] * weight[c];
        total += d;
        product += d * (x[begin + c] - center) * scale;
      }
      let dMean = reduceSum(total, lane) / f32(sizes.width);
      let along = reduceSum(product, lane) / f32(sizes.width);
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        let normalized = (x[begin + c] - center) * scale;
        dx[begin + c] = (dy[begin + c] * weight[c] - dMean - normalized * along) * scale;
      }
    `,
    groups: rows,
  });
  const { dWeight, dBias } = dispatch(backend, {
    name: 'LayerNormGradOfWeight',
    inputs: { dy, x, mean, rstd },
    outputs: { dWeight: [width], dBias: [width] },
    ints: { rows, width },
    code: `
      let c = group * ${LANES} + lane;
      if (c >= sizes.width) { return; }
      var ofWeight = 0.0;
      var ofBias = 0.0;
      for (var row = 0; row < sizes.rows; row++) {
        let at = row * sizes.width + c;
        ofWeight += dy[at] * (x[at] - mean[row]) * rstd[row];
        ofBias += dy[at];
      }
      dWeight[c] = ofWeight;
      dBias[c] = ofBias;
    `,
    groups: groupsFor(width),
  });
  return [dx, dWeight, dBias];
};

const rmsNorm: Kernel = (backend, { x, weight }, { eps }) => {
  const [rows, width] = x.shape;
  const { y, rstd } = dispatch(backend, {
    name: 'RMSNorm',
    inputs: { x, weight },
    outputs: { y: x.shape, rstd: [rows, 1] },
    ints: { width },
    floats: { eps: eps as number },
    declarations: reductions,
    code: `
      let begin = group * sizes.width;
      var squares = 0.0;
      for (var c = lane; c < sizes.width; c += ${LANES}) { squares += x[begin + c] * x[begin + c]; }
      let scale = inverseSqrt(reduceSum(squares, lane) / f32(sizes.width) + sizes.eps);
      for (var c = lane; c < sizes.width; c += ${LANES}) { y[begin + c] = x[begin + c] * scale * weight[c]; }
      if (lane == 0) { rstd[group] = scale; }
    `,
    groups: rows,
  });
  return [y, rstd];
};

const rmsNormGrad: Kernel = (backend, { dy, x, weight, rstd }) => {
  const [rows, width] = x.shape;
  const { dx } = dispatch(backend, {
    name: 'RMSNormGrad',
    inputs: { dy, x, weight, rstd },
    outputs: { dx: x.shape },
    ints: { width },
    declarations: reductions,
    code: `
      let begin = group * sizes.width;
      let scale = rstd[group];
      var product = 0.0;
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        product += dy[begin + c] * weight[c] * x[begin + c] * scale;
      }
      let along = reduceSum(product, lane) / f32(sizes.width);
      for (var c = lane; c < sizes.width; c += ${LANES}) {
        dx[begin + c] = (dy[begin + c] * weight[c] - x[begin + c] * scale * along) * scale;
      }
    `,
    groups: rows,
  });
  const { dWeight } = dispatch(backend, {
    name: 'RMSNormGradOfWeight',
    inputs: { dy, x, rstd },
    outputs: { dWeight: [width] },
    ints: { rows, width },
    code: `
      let c = group * ${LANES} + lane;
      if (c >= sizes.width) { return; }
      var total = 0.0;
      for (var row = 0; row < sizes.rows; row++) {
        let at = row * sizes.width + c;
        total += dy[at] * x[at] * rstd[row];
      }
      dWeight[c] = total;
    `,
    groups: groupsFor(width),
  });
  return [dx, dWeight];
};

const sumRows: Kernel = (backend, { x }) => {
  const [rows, width] = x.shape;
  const { total } = dispatch(backend, {
    name: 'SumRows',
    inputs: { x },
    outputs: { total: [width] },
    ints: { rows, width },
    code: `
      let c = group * ${LANES} + lane;
      if (c >= sizes.width) { return; }
      var sum = 0.0;
      for (var row = 0; row < sizes.rows; row++) { sum += x[row * sizes.width + c]; }
      total[c] = sum;
    `,
    groups: groupsFor(width),
  });
  return [total];
};

export const normKernels: Readonly<Record<string, Kernel>> = {
  LayerNorm: layerNorm,
  LayerNormGrad: layerNormGrad,
  RMSNorm: rmsNorm,
  RMSNormGrad: rmsNormGrad,
  SumRows: sumRows,
};
