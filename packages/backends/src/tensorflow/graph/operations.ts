import { createHash } from 'node:crypto';
import { util } from '@tensorflow/tfjs-core';
import { type Source, sourceKey } from '../../compile/trace.ts';
import { attributesOf } from './attributes.ts';
import { GraphBuilder } from './graph-builder.ts';
import { type ArgumentDef, encodeFunction } from './graph-def.ts';
import { addInPlaceScatter } from './in-place-scatter.ts';
import { outputName } from './op-outputs.ts';
import { dtypeOf, type Plan, shapeOf } from './plan.ts';
import type { GraphTrace } from './trace.ts';

/** How something that takes a tensor names where it comes from. */
export type NameOf = (source: Source) => string;

/**
 * Adds the step's operations: one by one, and those that the plan puts together as calls of functions that XLA compiles.
 *
 * @param outside names feeds and variables
 * @returns the names of all that is used beyond one call
 */
export function addOperations(graph: GraphBuilder, trace: GraphTrace, plan: Plan, outside: NameOf): NameOf {
  const added = new Map<string, string>();
  const rowsOf = new Map<string, string>();
  /** What was given another shape, once or several times over. */
  const baseOf = new Map<string, Source>();
  const nameOf = withConstants(
    graph,
    trace,
    (name) => name,
    (source) => added.get(sourceKey(source)) ?? outside(source),
  );
  for (const { nodes, together } of plan.parts) {
    if (together) {
      const wanted = [...plan.used(nodes).values()];
      const call = addXlaCall(graph, trace, nodes, wanted, nameOf);
      for (const [index, source] of wanted.entries()) added.set(sourceKey(source), `${call}:${index}`);
      continue;
    }
    for (const node of nodes) {
      const { op, attributes, inputs, outputs } = trace.nodes[node];
      const add = (from: readonly Source[]) =>
        graph.add(nodeName(node), op, from.map(nameOf), attributesOf(attributes));
      let name: string;
      if (plan.scatters.has(node)) {
        name = addInPlaceScatter(graph, nodeName(node), inputs, trace, nameOf, rowsOf);
      } else if (op === 'Reshape') {
        const [source, shape] = inputs;
        const base = baseOf.get(sourceKey(source)) ?? source;
        baseOf.set(sourceKey({ from: 'node', node, output: 0 }), base);
        const isAsBefore = util.arraysEqual([...shapeOf(base, trace)], [...outputs[0].shape]);
        name = isAsBefore ? nameOf(base) : add([base, shape]);
      } else {
        name = add(inputs);
      }
      for (const output of outputs.keys()) {
        added.set(sourceKey({ from: 'node', node, output }), output === 0 ? name : `${name}:${output}`);
      }
    }
  }
  return nameOf;
}

export const nodeName = (node: number) => `node${node}`;

/** Operations as a function, which XLA compiles as one, and its call. Equal functions are one. @returns the call's name */
function addXlaCall(
  graph: GraphBuilder,
  trace: GraphTrace,
  nodes: readonly number[],
  wanted: readonly Source[],
  outside: NameOf,
): string {
  const body = new GraphBuilder();
  const given = new Map<string, ArgumentDef>(); // by the name outside
  const added = new Map<string, string>();
  const argument = (source: Source) => {
    const name = outside(source);
    let known = given.get(name);
    if (known === undefined) {
      const [dtype, shape] = [dtypeOf(source, trace), shapeOf(source, trace)];
      known = { name: `argument${given.size}`, dtype, shape };
      given.set(name, known);
    }
    return known.name;
  };
  const nameInside = withConstants(
    body,
    trace,
    (name) => `${name}:output:0`,
    (source) => added.get(sourceKey(source)) ?? argument(source),
  );
  for (const [index, node] of nodes.entries()) {
    const { op, attributes, inputs, outputs } = trace.nodes[node];
    const name = body.add(`node${index}`, op, inputs.map(nameInside), attributesOf(attributes));
    for (const output of outputs.keys()) {
      added.set(sourceKey({ from: 'node', node, output }), `${name}:${outputName(op, output)}`);
    }
  }
  const inputs = [...given.values()];
  const outputs = wanted.map((source, index) => ({ name: `output${index}`, dtype: dtypeOf(source, trace) }));
  const returns = Object.fromEntries(
    wanted.map((source, index) => [outputs[index].name, nameInside(source)]),
  );
  const definition = { inputs, outputs, nodes: body.nodes, returns };
  const digest = createHash('sha256')
    .update(encodeFunction({ name: '', ...definition }))
    .digest('hex');
  const name = `fused_${digest.slice(0, 16)}`;
  graph.addFunction({ name, ...definition });
  return graph.add(`call${nodes[0]}`, 'StatefulPartitionedCall', [...given.keys()], {
    Tin: { types: inputs.map(({ dtype }) => dtype) },
    Tout: { types: outputs.map(({ dtype }) => dtype) },
    f: { func: name },
    _XlaMustCompile: { bool: true },
  });
}

/** Names constants, each added to the graph when it is first used and numbered from there, and leaves other sources to `others`. */
function withConstants(
  graph: GraphBuilder,
  trace: GraphTrace,
  outputOf: (name: string) => string,
  others: NameOf,
): NameOf {
  const names = new Map<number, string>();
  return (source) => {
    if (source.from !== 'constant') return others(source);
    const known = names.get(source.constant);
    if (known !== undefined) return known;
    const name = outputOf(graph.constant(`constant${names.size}`, trace.constants[source.constant]));
    names.set(source.constant, name);
    return name;
  };
}
