import { attributesOf } from './attributes.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { ArgumentDef } from './graph-def.ts';
import { outputName } from './op-outputs.ts';
import { dtypeOf, type Plan, sourceKey } from './plan.ts';
import type { Source, Trace } from './trace.ts';

/** How something that takes a tensor names where it comes from. */
export type NameOf = (source: Source) => string;

/** The step's operations as nodes of the graph. @returns the names of all sources */
export function addOperations(graph: GraphBuilder, trace: Trace, { nodes }: Plan, outside: NameOf): NameOf {
  const node = (index: number, output: number) => (output === 0 ? `node${index}` : `node${index}:${output}`);
  return addNodes(graph, trace, nodes, { node, constant: (name) => name, outside });
}

/**
 * The step's operations as a function that XLA compiles as one, and its call.
 *
 * @returns the names of what comes out: the results, and what is assigned
 */
export function addXlaCall(graph: GraphBuilder, trace: Trace, plan: Plan, outside: NameOf): NameOf {
  const body = new GraphBuilder();
  const given = new Map<string, ArgumentDef>(); // by the name outside
  const argument = (source: Source) => {
    const name = outside(source);
    if (!given.has(name)) given.set(name, { name: `argument${given.size}`, dtype: dtypeOf(source, trace) });
    return given.get(name)!.name;
  };
  const nameInside = addNodes(body, trace, plan.nodes, {
    node: (index, output) => `node${index}:${outputName(trace.nodes[index].op, output)}`,
    constant: (name) => `${name}:output:0`,
    outside: argument,
  });
  const wanted = new Map(
    [...trace.results, ...plan.assigned.values()].map((source) => [sourceKey(source), source]),
  );
  const outputs = [...wanted.values()].map((source, index) => ({
    name: `output${index}`,
    dtype: dtypeOf(source, trace),
    source,
  }));
  const returns = Object.fromEntries(outputs.map(({ name, source }) => [name, nameInside(source)]));
  const inputs = [...given.values()];
  graph.addFunction({ name: 'step', inputs, outputs, nodes: body.nodes, returns });
  const call = graph.add('call', 'StatefulPartitionedCall', [...given.keys()], {
    Tin: { types: inputs.map(({ dtype }) => dtype) },
    Tout: { types: outputs.map(({ dtype }) => dtype) },
    f: { func: 'step' },
    _XlaMustCompile: { bool: true },
  });
  const places = new Map([...wanted.keys()].map((key, index) => [key, `${call}:${index}`]));
  return (source) => places.get(sourceKey(source)) as string;
}

interface Naming {
  readonly node: (index: number, output: number) => string;
  readonly constant: (name: string) => string;
  /** Names feeds and variables. */
  readonly outside: NameOf;
}

function addNodes(graph: GraphBuilder, trace: Trace, nodes: readonly number[], naming: Naming): NameOf {
  const constants = new Set<number>();
  const nameOf = (source: Source): string => {
    if (source.from === 'node') return naming.node(source.node, source.output);
    if (source.from !== 'constant') return naming.outside(source);
    const name = `constant${source.constant}`;
    if (!constants.has(source.constant)) graph.constant(name, trace.constants[source.constant]);
    constants.add(source.constant);
    return naming.constant(name);
  };
  for (const index of nodes) {
    const { op, attributes, inputs } = trace.nodes[index];
    graph.add(`node${index}`, op, inputs.map(nameOf), attributesOf(attributes));
  }
  return nameOf;
}
