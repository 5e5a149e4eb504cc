import type { MathBackendWebGL } from '@tensorflow/tfjs-backend-webgl';
import { getKernel, Slice, type TensorInfo, util } from '@tensorflow/tfjs-core';

/** One draw call: each element of the output is computed by itself from whatever inputs it reads. */
export interface Pass {
  /** Read as `getName(i)`, i the index into the flat values, whatever the shape. int32 is read as float. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** How many elements come out. */
  readonly size: number;
  readonly ints?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** GLSL functions that `value` calls. */
  readonly functions?: string;
  /** GLSL body of `float value(int i)`: element i of the output. */
  readonly value: string;
}

/** What the type declarations of tfjs keep to themselves. */
interface Internals {
  readonly texData: { get(dataId: object): { readonly isPacked?: boolean } };
  unpackTensor(tensor: TensorInfo): TensorInfo;
}

/** Runs a pass; sizes are uniforms, so one compiled program serves all shapes. @returns float32 of `shape` */
export function runPass(backend: MathBackendWebGL, shape: readonly number[], pass: Pass): TensorInfo {
  const { inputs, size, ints = {}, floats = {}, functions = '', value } = pass;
  const internals = backend as unknown as Internals;
  const temporary: TensorInfo[] = [];
  const flat = Object.values(inputs).map((tensor) => {
    let unpacked = tensor;
    if (internals.texData.get(tensor.dataId).isPacked) {
      unpacked = internals.unpackTensor(tensor);
      temporary.push(unpacked);
    }
    return { ...unpacked, shape: [util.sizeFromShape(tensor.shape)] };
  });
  const program = {
    variableNames: Object.keys(inputs),
    outputShape: [size],
    enableShapeUniforms: true,
    customUniforms: [
      ...Object.keys(ints).map((name) => ({ name, type: 'int' as const })),
      ...Object.keys(floats).map((name) => ({ name, type: 'float' as const })),
    ],
    // tfjs keeps programs by this text, so it names the uniforms too.
    userCode: `
      // ${[...Object.keys(ints), ...Object.keys(floats)].join()}
      ${functions}
      float value(int i) {
        ${value}
      }
      void main() {
        setOutput(value(getOutputCoords()));
      }
    `,
  };
  const uniforms = [...Object.values(ints), ...Object.values(floats)].map((number) => [number]);
  const output = backend.runWebGLProgram(program, flat, 'float32', uniforms);
  for (const tensor of temporary) backend.disposeIntermediateTensorInfo(tensor);
  return { ...output, shape: [...shape] };
}

/**
 * Several tensors out of one pass, which fills them one after the other: views into one texture, which costs nothing.
 *
 * @param shapes their sizes add up to the pass's
 */
export function runPassInParts(
  backend: MathBackendWebGL,
  shapes: readonly (readonly number[])[],
  pass: Omit<Pass, 'size'>,
): TensorInfo[] {
  const sizes = shapes.map((shape) => util.sizeFromShape([...shape]));
  const size = sizes.reduce((sum, part) => sum + part, 0);
  const whole = runPass(backend, [size], { ...pass, size });
  let begin = 0;
  const parts = shapes.map((shape, i) => {
    const part = slice(backend, whole, begin, sizes[i]);
    begin += sizes[i];
    return { ...part, shape: [...shape] };
  });
  backend.disposeIntermediateTensorInfo(whole);
  return parts;
}

function slice(backend: MathBackendWebGL, x: TensorInfo, begin: number, size: number): TensorInfo {
  const { kernelFunc } = getKernel(Slice, 'webgl');
  return kernelFunc({ inputs: { x }, attrs: { begin: [begin], size: [size] }, backend }) as TensorInfo;
}
