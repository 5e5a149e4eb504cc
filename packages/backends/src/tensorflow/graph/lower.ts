import type { Source } from '../../compile/trace.ts';
import { addInPlaceUpdate } from './adam-w.ts';
import { addGate, type Gate } from './gate.ts';
import { after, GraphBuilder } from './graph-builder.ts';
import { DataType, type GraphDef } from './graph-def.ts';
import { addOperations, type NameOf, nodeName } from './operations.ts';
import { dataTypeOf, dtypeOf, type Plan, planTrace } from './plan.ts';
import type { GraphTrace } from './trace.ts';

/** A graph, and by which names it is fed and asked. */
export interface Lowered {
  readonly graph: GraphDef;
  /** The inputs that take the feeds, in their order. */
  readonly feeds: readonly string[];
  /** The outputs that give the results, in their order. */
  readonly results: readonly string[];
  /** An output that comes after all assignments. */
  readonly end: string;
  readonly variables: readonly LoweredVariable[];
}

/** A variable that lives in the graph's session between runs. */
export interface LoweredVariable {
  /** Its index in the trace. */
  readonly variable: number;
  readonly assigned: boolean;
  /** The output that gives its value. */
  readonly value: string;
  /** The input that takes a new value, and the output to ask for so that it is taken over. */
  readonly load: string;
  readonly loaded: string;
}

export interface LowerOptions {
  /** Assign variables only where all results are finite. */
  readonly onlyIfFinite: boolean;
  /** Have XLA compile the step's operations as one. */
  readonly xla: boolean;
}

/** Makes a trace a graph. Its nodes are named after what they are: `variable0`, `feed0`, `node0`, `result0`. */
export function lower(trace: GraphTrace, options: LowerOptions): Lowered {
  const graph = new GraphBuilder();
  const plan = planTrace(trace, options);
  const inMemory = new Set(plan.scatters.values());
  const variables = plan.variables.map((variable) =>
    addVariable(graph, trace, variable, inMemory.has(variable)),
  );
  const feeds = trace.feeds.map(({ dtype, shape }, index) =>
    graph.add(`feed${index}`, 'Placeholder', [], { dtype: { type: dataTypeOf(dtype) }, shape: { shape } }),
  );
  const outside = (source: Source) =>
    source.from === 'feed'
      ? `feed${source.feed}`
      : valueName((source as Source & { readonly from: 'variable' }).variable);
  const nameOf = addOperations(graph, trace, plan, outside);
  const values = trace.results.map((source) => ({ name: nameOf(source), dtype: dtypeOf(source, trace) }));

  const gate = options.onlyIfFinite ? addGate(graph, values) : undefined;
  const assigned = addAssignments(graph, trace, plan, nameOf, gate);
  const ends = gate === undefined ? assigned : [gate.join(assigned)];
  const end = graph.constant('end', ONE, ends.map(after));
  const results = values.map(({ name, dtype }, index) =>
    graph.add(`result${index}`, 'Identity', [name], { T: { type: dtype } }),
  );
  return { graph: graph.finish(), feeds, results, end, variables };
}

/** What is asked for where only the asking matters. */
const ONE = { dtype: DataType.int32, shape: [], data: Int32Array.of(1) };

const valueName = (variable: number) => `variable${variable}/value`;

/** @param inMemory whether a run writes into the variable's memory: then its value is not given away, but a copy */
function addVariable(
  graph: GraphBuilder,
  trace: GraphTrace,
  variable: number,
  inMemory: boolean,
): LoweredVariable {
  const name = `variable${variable}`;
  const dtype = { type: dtypeOf({ from: 'variable', variable }, trace) };
  const shape = { shape: trace.variables[variable].shape };
  const assigned = trace.assigned.has(variable);
  graph.add(name, 'VarHandleOp', [], { dtype, shape, shared_name: { string: name } });
  const read = graph.add(valueName(variable), 'ReadVariableOp', [name], { dtype });
  const value = inMemory ? graph.add(`${name}/copy`, 'DeepCopy', [read], { T: dtype }) : read;
  const load = graph.add(`${name}/load`, 'Placeholder', [], { dtype, shape });
  // What changes must be the session's own memory: that of the input may belong to JavaScript.
  const own = assigned ? graph.add(`${name}/own`, 'DeepCopy', [load], { T: dtype }) : load;
  const assign = graph.add(`${name}/assign`, 'AssignVariableOp', [name, own], { dtype });
  const loaded = graph.constant(`${name}/loaded`, ONE, [after(assign)]);
  return { variable, assigned, value, load, loaded };
}

/** @returns the nodes after which all variables have their new values */
function addAssignments(
  graph: GraphBuilder,
  trace: GraphTrace,
  plan: Plan,
  nameOf: NameOf,
  gate: Gate | undefined,
): string[] {
  const go = gate === undefined ? [] : [after(gate.go)];
  const updated = plan.updates.map((update, index) =>
    addInPlaceUpdate(graph, `update${index}`, update, trace, nameOf, go),
  );
  const assigned = [...plan.assigned].map(([variable, source]) => {
    const name = `variable${variable}`;
    const inputs = [name, nameOf(source), after(valueName(variable)), ...go];
    return graph.add(`${name}/next`, 'AssignVariableOp', inputs, { dtype: { type: dtypeOf(source, trace) } });
  });
  return [...updated, ...assigned, ...[...plan.scatters.keys()].map(nodeName)];
}
