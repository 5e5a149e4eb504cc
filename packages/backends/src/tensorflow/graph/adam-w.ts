import type { Source } from '../../compile/trace.ts';
import type { InPlaceUpdate } from '../in-place-update.ts';
import { after, type GraphBuilder } from './graph-builder.ts';
import { DataType } from './graph-def.ts';
import type { NameOf } from './operations.ts';
import { ADAMW_VARIABLES } from './plan.ts';
import type { GraphTrace } from './trace.ts';

/**
 * AdamW by TensorFlow's own `ResourceApplyAdam`, which makes all three updates in one pass over the memory. With powers of 0 it
 * takes rate and epsilon as they are, and the kernel's have the bias corrections in them. The decay comes before.
 *
 * @returns the node after which it is done
 */
export function addInPlaceUpdate(
  graph: GraphBuilder,
  name: string,
  { inputs, attrs }: InPlaceUpdate<Source>,
  trace: GraphTrace,
  nameOf: NameOf,
  go: readonly string[],
): string {
  const T = { type: DataType.float };
  const handles = ADAMW_VARIABLES.map(
    (input) => `variable${(inputs[input] as Source & { from: 'variable' }).variable}`,
  );
  const [parameter] = handles;
  const read = handles.map((handle) => after(`${handle}/value`));
  const waits = [...read, ...go];
  if (!isOne(inputs.decay, trace)) {
    const decayed = graph.add(`${name}/decayed`, 'Mul', [nameOf(inputs.parameter), nameOf(inputs.decay)], {
      T,
    });
    const assign = graph.add(`${name}/decay`, 'AssignVariableOp', [parameter, decayed, ...waits], {
      dtype: T,
    });
    waits.push(after(assign));
  }
  const none = graph.float(`${name}/power`, 0);
  const betas = [attrs.beta1, attrs.beta2].map((beta, index) => graph.float(`${name}/beta${index}`, beta));
  const operands = [none, none, nameOf(inputs.rate), ...betas, nameOf(inputs.epsilon), nameOf(inputs.grad)];
  return graph.add(name, 'ResourceApplyAdam', [...handles, ...operands, ...waits], {
    T,
    use_locking: { bool: false },
    use_nesterov: { bool: false },
  });
}

function isOne(source: Source, { constants }: GraphTrace): boolean {
  if (source.from !== 'constant') return false;
  const { data } = constants[source.constant];
  return data.length === 1 && data[0] === 1;
}
