import {
  type AttributeValue,
  DataType,
  type FunctionDef,
  type GraphDef,
  type NodeDef,
  type TensorValue,
} from './graph-def.ts';

/** A graph in the making. What is added is named, and its first output has that name too. */
export class GraphBuilder {
  readonly #nodes: NodeDef[] = [];
  readonly #functions: FunctionDef[] = [];

  add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.#nodes.push({ name, op, inputs, attributes });
    return name;
  }

  constant(name: string, tensor: TensorValue, after: readonly string[] = []): string {
    return this.add(name, 'Const', after, { dtype: { type: tensor.dtype }, value: { tensor } });
  }

  float(name: string, value: number): string {
    return this.constant(name, { dtype: DataType.float, shape: [], data: Float32Array.of(value) });
  }

  /** A function of that name; one that is there already stays. */
  addFunction(definition: FunctionDef): void {
    if (this.#functions.some(({ name }) => name === definition.name)) return;
    this.#functions.push(definition);
  }

  get nodes(): readonly NodeDef[] {
    return this.#nodes;
  }

  finish(): GraphDef {
    return { nodes: this.#nodes, functions: this.#functions };
  }
}

/** An input that waits for a node and takes nothing from it. */
export function after(name: string): string {
  return `^${name}`;
}
