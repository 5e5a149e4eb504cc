import { after, type GraphBuilder } from './graph-builder.ts';
import { DataType } from './graph-def.ts';

/** Lets nodes run or not, by what a run has computed. */
export interface Gate {
  /** What waits for this node runs only if the gate is open. */
  readonly go: string;
  /** @returns a node that runs in either case; where the gate is open, after `nodes`. */
  join(nodes: readonly string[]): string;
}

/** A gate that is open if all float32 values are finite. Made of TensorFlow's control flow: a switch and a merge. */
export function addGate(
  graph: GraphBuilder,
  values: readonly { readonly name: string; readonly dtype: number }[],
): Gate {
  const bool = { T: { type: DataType.bool } };
  const int32 = { type: DataType.int32 };
  const flat = graph.constant('gate/flat', { dtype: DataType.int32, shape: [1], data: Int32Array.of(-1) });
  const axis = graph.constant('gate/axis', { dtype: DataType.int32, shape: [1], data: Int32Array.of(0) });
  const finite = values
    .filter(({ dtype }) => dtype === DataType.float)
    .map(({ name }, index) => {
      const each = graph.add(`gate/finite${index}`, 'IsFinite', [name], { T: { type: DataType.float } });
      const row = graph.add(`gate/row${index}`, 'Reshape', [each, flat], { ...bool, Tshape: int32 });
      return graph.add(`gate/all${index}`, 'All', [row, axis], { keep_dims: { bool: false }, Tidx: int32 });
    });
  const open = finite.reduce((a, b, index) => graph.add(`gate/and${index}`, 'LogicalAnd', [a, b]));
  const gate = graph.add('gate', 'Switch', [open, open], bool);
  return {
    go: graph.add('gate/go', 'Identity', [`${gate}:1`], bool),
    join(nodes) {
      const taken = graph.add('gate/taken', 'Identity', [`${gate}:1`, ...nodes.map(after)], bool);
      const refused = graph.add('gate/refused', 'Identity', [`${gate}:0`], bool);
      return graph.add('gate/end', 'Merge', [refused, taken], { ...bool, N: { int: 2 } });
    },
  };
}
