import { util } from '@tensorflow/tfjs-core';
import { type Source, sourceKey } from '../../compile/trace.ts';
import type { GraphBuilder } from './graph-builder.ts';
import { DataType } from './graph-def.ts';
import type { NameOf } from './operations.ts';
import { dtypeOf, shapeOf } from './plan.ts';
import type { GraphTrace } from './trace.ts';

/**
 * `TensorScatterUpdate` in the memory of the variable that it reads. TensorFlow's `InplaceUpdate` writes rows of the tensor that
 * it is given, which here is the variable's own, and gives the same back. (`ResourceScatterUpdate` would have every later read
 * make a copy.)
 *
 * @param rowsOf numbers of rows that other scatters of the graph write to, by what they are made of
 */
export function addInPlaceScatter(
  graph: GraphBuilder,
  name: string,
  [variable, places, fresh]: readonly Source[],
  trace: GraphTrace,
  nameOf: NameOf,
  rowsOf: Map<string, string>,
): string {
  const T = { type: dtypeOf(variable, trace) };
  const int32 = { type: DataType.int32 };
  const ints = (part: string, data: readonly number[]) =>
    graph.constant(`${name}/${part}`, {
      dtype: DataType.int32,
      shape: [data.length],
      data: Int32Array.from(data),
    });
  const reshape = (part: string, input: string, shape: readonly number[], type = T) =>
    graph.add(`${name}/${part}`, 'Reshape', [input, ints(`${part}/shape`, shape)], {
      T: type,
      Tshape: int32,
    });
  const shape = shapeOf(variable, trace);
  const depth = shapeOf(places, trace).at(-1) as number;
  const [outer, inner] = [shape.slice(0, depth), shape.slice(depth)];
  const strides = outer.map((_, dimension) => util.sizeFromShape(outer.slice(dimension + 1)));
  const key = `${sourceKey(places)} ${strides}`;
  let rows = rowsOf.get(key);
  if (rows === undefined) {
    const scaled = graph.add(`${name}/scaled`, 'Mul', [nameOf(places), ints('strides', strides)], {
      T: int32,
    });
    const summed = graph.add(`${name}/summed`, 'Sum', [scaled, ints('axis', [-1])], {
      T: int32,
      Tidx: int32,
      keep_dims: { bool: false },
    });
    rows = reshape('rows', summed, [-1], int32);
    rowsOf.set(key, rows);
  }
  const flat = reshape('flat', nameOf(variable), [util.sizeFromShape([...outer]), ...inner]);
  const written = graph.add(
    `${name}/written`,
    'InplaceUpdate',
    [flat, rows, reshape('fresh', nameOf(fresh), [-1, ...inner])],
    { T },
  );
  return graph.add(name, 'Reshape', [written, ints('shape', shape)], { T, Tshape: int32 });
}
