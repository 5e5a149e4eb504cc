import { type DataTypeMap, util } from '@tensorflow/tfjs-core';
import { neededFor } from '../../compile/needed.ts';
import { type Source, sourceKey } from '../../compile/trace.ts';
import type { InPlaceUpdate } from '../in-place-update.ts';
import { DataType } from './graph-def.ts';
import type { LowerOptions } from './lower.ts';
import type { GraphTrace } from './trace.ts';

/** What of a trace a graph has to do. */
export interface Plan {
  /** Updates that are made in the variables' memory. */
  readonly updates: readonly InPlaceUpdate<Source>[];
  /** Nodes that scatter into a variable which nobody else reads: they write into its memory. The variables by node. */
  readonly scatters: ReadonlyMap<number, number>;
  /** What the other variables that the step assigns hold after it. */
  readonly assigned: ReadonlyMap<number, Source>;
  /** The nodes that something depends on, in their order; those of a part may be compiled together. */
  readonly parts: readonly { readonly nodes: readonly number[]; readonly together: boolean }[];
  /** What of the outputs of some nodes is used by others or at the end. */
  used(nodes: readonly number[]): ReadonlyMap<string, Source>;
  /** The variables that are read or assigned. */
  readonly variables: readonly number[];
}

/**
 * Decides what runs how. With `xla` it is all one part, which XLA compiles; else variables are updated in their memory where
 * that is known to work. Then a part is what a kernel wants `together`, or in the decoding of one text what lies between the caches.
 */
export function planTrace(trace: GraphTrace, { xla: whole, onlyIfFinite }: LowerOptions): Plan {
  const assigned = new Map(trace.assigned);
  const scatters = whole || onlyIfFinite ? new Map<number, number>() : scattersOf(trace);
  for (const variable of scatters.values()) assigned.delete(variable);
  const updates = whole ? [] : trace.inPlace.filter((update) => isComplete(update, trace));
  for (const { inputs } of updates) {
    for (const name of ADAMW_VARIABLES) assigned.delete((inputs[name] as { variable: number }).variable);
  }
  const roots = [
    ...trace.results,
    ...assigned.values(),
    ...updates.flatMap(({ inputs }) => Object.values(inputs)),
    ...[...scatters.keys()].map((node): Source => ({ from: 'node', node, output: 0 })),
  ];
  const { nodes: needed, variables } = neededFor(roots, trace.nodes);
  return {
    updates,
    scatters,
    assigned,
    variables: [...new Set([...variables, ...trace.assigned.keys()])].toSorted((a, b) => a - b),
    parts: whole ? [{ nodes: needed, together: true }] : partsOf(trace, scatters, needed),
    used(part) {
      const inside = new Set(part);
      const readers = needed.filter((node) => !inside.has(node)).flatMap((node) => trace.nodes[node].inputs);
      const used = [...roots, ...readers].filter(
        (source) => source.from === 'node' && inside.has(source.node),
      );
      return new Map(used.map((source) => [sourceKey(source), source]));
    },
  };
}

function partsOf(trace: GraphTrace, scatters: Plan['scatters'], nodes: readonly number[]): Plan['parts'] {
  const isDecoding = scatters.size >= WORTH_COMPILING && isOfOneRow(trace, nodes);
  return isDecoding ? partsBetween(scatters, nodes) : partsOfKernels(trace, nodes);
}

/**
 * From so many scatters on, a part between them, which is compiled once and called for all, spares more time than compiling it
 * takes (two seconds at most): the two of eight layers.
 */
const WORTH_COMPILING = 16;

/** Whether all products take one row, such as of the next token of one text: XLA makes no detours for them. */
function isOfOneRow({ nodes }: GraphTrace, needed: readonly number[]): boolean {
  return needed.every((node) => nodes[node].op !== 'MatMul' || nodes[node].outputs[0].shape[0] === 1);
}

/** All between what is done in the variables' memory: of a model whose layers write into a cache each, the same part per layer. */
function partsBetween(scatters: Plan['scatters'], nodes: readonly number[]): Plan['parts'] {
  const runs = runsOf(nodes, (node) => scatters.has(node));
  return runs.map(({ nodes, key: isScatter }) => ({ nodes, together: !isScatter }));
}

/** Below so many elements, calling what XLA has compiled takes longer than the passes over the memory that it spares. */
const WORTH_FUSING = 2 ** 14;

/** Neighbours that the same call of a kernel made are a part, compiled together where their tensors are large. */
function partsOfKernels(trace: GraphTrace, nodes: readonly number[]): Plan['parts'] {
  const runs = runsOf(nodes, (node) => trace.nodes[node].call);
  const isLarge = (node: number) =>
    trace.nodes[node].outputs.some(({ shape }) => util.sizeFromShape([...shape]) >= WORTH_FUSING);
  return runs.map(({ nodes, key: call }) => ({ nodes, together: call !== undefined && nodes.some(isLarge) }));
}

/** Neighbours of the same key, in their order. */
function runsOf<Key>(
  nodes: readonly number[],
  keyOf: (node: number) => Key,
): { nodes: number[]; key: Key }[] {
  const runs: { nodes: number[]; key: Key }[] = [];
  for (const node of nodes) {
    const key = keyOf(node);
    const last = runs.at(-1);
    if (last !== undefined && last.key === key) last.nodes.push(node);
    else runs.push({ nodes: [node], key });
  }
  return runs;
}

/** The inputs of AdamW that it gives anew, in the order of its outputs. */
export const ADAMW_VARIABLES = ['parameter', 'expAvg', 'expAvgSq'] as const;

/** Whether the update starts from what the variables hold before the step and gives what they hold after it. */
function isComplete({ inputs, outputs }: InPlaceUpdate<Source>, { assigned }: GraphTrace): boolean {
  return ADAMW_VARIABLES.every((name, index) => {
    const source = inputs[name];
    return (
      source.from === 'variable' && sourceKey(assigned.get(source.variable)) === sourceKey(outputs[index])
    );
  });
}

/** What is scattered into a variable and assigned to it, where nothing else reads what the variable held. */
function scattersOf({ nodes, assigned, results }: GraphTrace): ReadonlyMap<number, number> {
  const reads = new Map<number, number>();
  for (const source of [...nodes.flatMap(({ inputs }) => inputs), ...assigned.values(), ...results]) {
    if (source.from === 'variable') reads.set(source.variable, (reads.get(source.variable) ?? 0) + 1);
  }
  const scatters = new Map<number, number>();
  for (const [variable, source] of assigned) {
    if (source.from !== 'node' || reads.get(variable) !== 1) continue;
    const { op, inputs } = nodes[source.node];
    const [into] = inputs;
    if (op === 'TensorScatterUpdate' && into.from === 'variable' && into.variable === variable)
      scatters.set(source.node, variable);
  }
  return scatters;
}

export function shapeOf(source: Source, trace: GraphTrace): readonly number[] {
  switch (source.from) {
    case 'node':
      return trace.nodes[source.node].outputs[source.output].shape;
    case 'feed':
      return trace.feeds[source.feed].shape;
    case 'constant':
      return trace.constants[source.constant].shape;
    case 'variable':
      return trace.variables[source.variable].shape;
  }
}

/** TensorFlow's number of the type that a source has. */
export function dtypeOf(source: Source, trace: GraphTrace): number {
  switch (source.from) {
    case 'node':
      return trace.nodes[source.node].outputs[source.output].dtype;
    case 'feed':
      return dataTypeOf(trace.feeds[source.feed].dtype);
    case 'constant':
      return trace.constants[source.constant].dtype;
    case 'variable':
      return dataTypeOf(trace.variables[source.variable].dtype);
  }
}

/** TensorFlow's number of a type of tfjs's. */
export function dataTypeOf(dtype: keyof DataTypeMap): number {
  return dtype === 'int32' ? DataType.int32 : dtype === 'bool' ? DataType.bool : DataType.float;
}
