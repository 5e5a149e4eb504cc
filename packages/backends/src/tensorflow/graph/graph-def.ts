import type { TensorData } from '../binding.ts';
import { ProtoWriter } from './proto-writer.ts';

/** TensorFlow's numbers of the types that occur here (`tensorflow/core/framework/types.proto`). */
export const DataType = { float: 1, int32: 3, bool: 10, resource: 20 } as const;

/** A tensor's values, as they lie in memory. */
export interface TensorValue {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** The value of an attribute (`attr_value.proto`). */
export type AttributeValue =
  | { readonly bool: boolean }
  | { readonly bools: readonly boolean[] }
  | { readonly float: number }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string }
  | { readonly type: number }
  | { readonly types: readonly number[] }
  | { readonly shape: readonly number[] }
  | { readonly shapes: readonly (readonly number[])[] }
  | { readonly tensor: TensorValue }
  | { readonly func: string };

/** An operation in a graph (`node_def.proto`). */
export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** `node:output` in a graph, `node:argument:index` in a function, `^node` for one that must have run before. */
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A result of a function. */
interface ResultDef {
  readonly name: string;
  readonly dtype: number;
}

/** An argument of a function. */
export interface ArgumentDef extends ResultDef {
  readonly shape: readonly number[];
}

/** A part of a graph that is called by name (`function.proto`). */
export interface FunctionDef {
  readonly name: string;
  readonly inputs: readonly ArgumentDef[];
  readonly outputs: readonly ResultDef[];
  readonly nodes: readonly NodeDef[];
  /** Which of the nodes' outputs each result is. */
  readonly returns: Readonly<Record<string, string>>;
}

export interface GraphDef {
  readonly nodes: readonly NodeDef[];
  readonly functions: readonly FunctionDef[];
}

export const SAVED_MODEL_TAG = 'serve';

/** What `tf.saved_model` reads as `saved_model.pb`: one graph without variables on disk. */
export function encodeSavedModel(graph: GraphDef): Uint8Array {
  const library = new ProtoWriter();
  for (const definition of graph.functions) library.message(1, functionDef(definition));
  const graphDef = new ProtoWriter();
  for (const node of graph.nodes) graphDef.message(1, nodeDef(node));
  graphDef.message(2, library).message(4, new ProtoWriter().integer(1, GRAPH_VERSION));
  const metaInfo = new ProtoWriter().string(4, SAVED_MODEL_TAG);
  const metaGraph = new ProtoWriter().message(1, metaInfo).message(2, graphDef);
  return new ProtoWriter().integer(1, 1).message(2, metaGraph).finish();
}

/** TF_GRAPH_DEF_VERSION of TensorFlow 2.9: every later release reads it. */
const GRAPH_VERSION = 1087;

function nodeDef({ name, op, inputs, attributes }: NodeDef): ProtoWriter {
  const writer = new ProtoWriter().string(1, name).string(2, op);
  for (const input of inputs) writer.string(3, input);
  for (const [key, value] of Object.entries(attributes)) writer.entry(5, key, attributeValue(value));
  return writer;
}

/** A function alone, as bytes. */
export function encodeFunction(definition: FunctionDef): Uint8Array {
  return functionDef(definition).finish();
}

function functionDef({ name, inputs, outputs, nodes, returns }: FunctionDef): ProtoWriter {
  const signature = new ProtoWriter().string(1, name);
  for (const input of inputs) signature.message(2, typed(input));
  for (const output of outputs) signature.message(3, typed(output));
  const writer = new ProtoWriter().message(1, signature);
  for (const node of nodes) writer.message(3, nodeDef(node));
  for (const [key, value] of Object.entries(returns)) {
    writer.message(4, new ProtoWriter().string(1, key).string(2, value));
  }
  for (const [index, { shape }] of inputs.entries()) {
    const attributes = new ProtoWriter().entry(1, '_output_shapes', attributeValue({ shapes: [shape] }));
    writer.message(7, new ProtoWriter().integer(1, index).message(2, attributes));
  }
  return writer;
}

function typed({ name, dtype }: ResultDef): ProtoWriter {
  return new ProtoWriter().string(1, name).integer(3, dtype);
}

function attributeValue(value: AttributeValue): ProtoWriter {
  const writer = new ProtoWriter();
  const list = new ProtoWriter();
  if ('bool' in value) return writer.integer(5, value.bool);
  if ('bools' in value) return writer.message(1, list.packedIntegers(5, value.bools.map(Number)));
  if ('float' in value) return writer.float(4, value.float);
  if ('int' in value) return writer.integer(3, value.int);
  if ('ints' in value) return writer.message(1, list.packedIntegers(3, value.ints));
  if ('string' in value) return writer.string(2, value.string);
  if ('type' in value) return writer.integer(6, value.type);
  if ('types' in value) return writer.message(1, list.packedIntegers(6, value.types));
  if ('shape' in value) return writer.message(7, tensorShape(value.shape));
  if ('shapes' in value) {
    for (const shape of value.shapes) list.message(7, tensorShape(shape));
    return writer.message(1, list);
  }
  if ('func' in value) return writer.message(10, new ProtoWriter().string(1, value.func));
  return writer.message(8, tensorProto(value.tensor));
}

function tensorShape(shape: readonly number[]): ProtoWriter {
  const writer = new ProtoWriter();
  for (const size of shape) writer.message(2, new ProtoWriter().integer(1, size));
  return writer;
}

function tensorProto({ dtype, shape, data }: TensorValue): ProtoWriter {
  const content = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new ProtoWriter().integer(1, dtype).message(2, tensorShape(shape)).bytes(4, content);
}
