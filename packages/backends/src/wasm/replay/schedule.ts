import { neededFor } from '../../compile/needed.ts';
import { type Source, sourceKey } from '../../compile/trace.ts';
import { replacedInputs } from './kernel-call.ts';
import type { KernelTrace } from './recorder.ts';

/** A node, and the variables in whose memory it writes. */
export interface ScheduledNode {
  readonly node: number;
  readonly variables: readonly number[];
}

/** In which order a step is computed, and where it ends up. */
export interface Schedule {
  /** Variables whose old values are needed after they have changed. */
  readonly saved: readonly number[];
  readonly nodes: readonly ScheduledNode[];
  /** What changes variables and nothing else: run last, and only if the step is to be taken. */
  readonly commit: readonly ScheduledNode[];
  /** What the variables that no node writes into are to hold. */
  readonly copies: ReadonlyMap<number, Source>;
  /** The variables that are read or assigned. */
  readonly variables: readonly number[];
}

/**
 * Decides which nodes write into the memory of variables, and when.
 *
 * @param gated whether the step may turn out not to be taken: then no variable changes before the end
 */
export function scheduleOf(trace: KernelTrace, gated: boolean): Schedule {
  const { nodes, assigned, results } = trace;
  const roots = [...results, ...assigned.values()];
  const needed = neededFor(roots, nodes);
  const readers = new Map<string, number[]>();
  for (const node of needed.nodes) {
    for (const key of new Set(nodes[node].inputs.map(sourceKey))) {
      readers.set(key, [...(readers.get(key) ?? []), node]);
    }
  }
  const wanted = new Set(roots.map(sourceKey));
  const given = new Set(results.map(sourceKey));
  const assignedKeys = new Set([...assigned.values()].map(sourceKey));

  /** Whether a node may write an output over the variable that it reads there. */
  function mayReplace(node: number, output: number, variable: number): boolean {
    const result = sourceKey({ from: 'node', node, output });
    const before = sourceKey({ from: 'variable', variable });
    if (sourceKey(assigned.get(variable)) !== result || wanted.has(before)) return false;
    const others = (readers.get(before) as number[]).filter((reader) => reader !== node);
    // Where the step may not be taken, the node runs after all others, and nobody may need it earlier.
    return gated ? !readers.has(result) && !given.has(result) : others.every((reader) => reader < node);
  }

  function replacedBy(node: number): number[] {
    const { inputs, outputs } = nodes[node];
    if (!outputs.some((_, output) => assignedKeys.has(sourceKey({ from: 'node', node, output })))) return [];
    const variables = replacedInputs(nodes[node]).map((input, output) => {
      const source = input === undefined ? undefined : inputs[input];
      return source?.from === 'variable' && mayReplace(node, output, source.variable)
        ? source.variable
        : undefined;
    });
    if (gated && variables.includes(undefined)) return [];
    return variables.filter((variable) => variable !== undefined);
  }

  const scheduled = needed.nodes.map((node) => ({ node, variables: replacedBy(node) }));
  const written = new Set(scheduled.flatMap(({ variables }) => variables));
  const copies = new Map([...assigned].filter(([variable]) => !written.has(variable)));
  const kept = new Set([...results, ...copies.values()].map(sourceKey));
  return {
    saved: [...assigned.keys()].filter((variable) => kept.has(sourceKey({ from: 'variable', variable }))),
    nodes: gated ? scheduled.filter(({ variables }) => variables.length === 0) : scheduled,
    commit: gated ? scheduled.filter(({ variables }) => variables.length > 0) : [],
    copies,
    variables: [...new Set([...needed.variables, ...assigned.keys()])].toSorted((a, b) => a - b),
  };
}
