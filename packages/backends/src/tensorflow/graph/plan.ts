import type { InPlaceUpdate } from '../in-place-update.ts';
import { DataType } from './graph-def.ts';
import type { Source, Trace } from './trace.ts';

/** What of a trace a graph has to do. */
export interface Plan {
  /** Updates that are made in the variables' memory. */
  readonly updates: readonly InPlaceUpdate<Source>[];
  /** What the other variables that the step assigns hold after it. */
  readonly assigned: ReadonlyMap<number, Source>;
  /** The nodes that something depends on, in their order. */
  readonly nodes: readonly number[];
  /** The variables that are read or assigned. */
  readonly variables: readonly number[];
}

/** @param inPlace whether variables may be updated in their memory */
export function planTrace(trace: Trace, inPlace: boolean): Plan {
  const assigned = new Map(trace.assigned);
  const updates = inPlace ? trace.inPlace.filter((update) => isWhole(update, trace)) : [];
  for (const { inputs } of updates) {
    for (const name of ADAMW_VARIABLES) assigned.delete((inputs[name] as { variable: number }).variable);
  }
  const roots = [
    ...trace.results,
    ...assigned.values(),
    ...updates.flatMap(({ inputs }) => Object.values(inputs)),
  ];
  const nodes = new Set<number>();
  const variables = new Set<number>(trace.assigned.keys());
  const visit = (sources: readonly Source[]) => {
    for (const source of sources) {
      if (source.from === 'variable') variables.add(source.variable);
      if (source.from === 'node') nodes.add(source.node);
    }
  };
  visit(roots);
  // Backwards: what a node reads comes before it.
  for (let index = trace.nodes.length - 1; index >= 0; index--) {
    if (nodes.has(index)) visit(trace.nodes[index].inputs);
  }
  const inOrder = (numbers: Iterable<number>) => [...numbers].toSorted((a, b) => a - b);
  return { updates, assigned, nodes: inOrder(nodes), variables: inOrder(variables) };
}

/** The inputs of AdamW that it gives anew, in the order of its outputs. */
export const ADAMW_VARIABLES = ['parameter', 'expAvg', 'expAvgSq'] as const;

/** Whether the update starts from what the variables hold before the step and gives what they hold after it. */
function isWhole({ inputs, outputs }: InPlaceUpdate<Source>, { assigned }: Trace): boolean {
  return ADAMW_VARIABLES.every((name, index) => {
    const source = inputs[name];
    return (
      source.from === 'variable' && sourceKey(assigned.get(source.variable)) === sourceKey(outputs[index])
    );
  });
}

/** Equal for equal sources. */
export function sourceKey(source: Source | undefined): string {
  return JSON.stringify(source);
}

/** TensorFlow's number of the type that a source has. */
export function dtypeOf(source: Source, trace: Trace): number {
  switch (source.from) {
    case 'node':
      return trace.nodes[source.node].outputs[source.output].dtype;
    case 'feed':
      return trace.feeds[source.feed].dtype;
    case 'constant':
      return trace.constants[source.constant].dtype;
    case 'variable': {
      const { dtype } = trace.variables[source.variable];
      return dtype === 'int32' ? DataType.int32 : dtype === 'bool' ? DataType.bool : DataType.float;
    }
  }
}
