import {
  type AttributeValue,
  DataType,
  type FunctionDef,
  type GraphDef,
  type NodeDef,
  type TensorValue,
} from './graph-def.ts';

/** Up to so many numbers, constants are compared. */
const SMALL = 16;

/** A graph in the making. What is added is named, and its first output has that name too. */
export class GraphBuilder {
  readonly #nodes: NodeDef[] = [];
  readonly #functions: FunctionDef[] = [];
  /** Of the small ones that wait for nothing, by what they are: TensorFlow goes through every node in every run. */
  readonly #constants = new Map<string, string>();

  add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.#nodes.push({ name, op, inputs, attributes });
    return name;
  }

  /** @returns the name of an equal one where there is one */
  constant(name: string, tensor: TensorValue, after: readonly string[] = []): string {
    const add = () => this.add(name, 'Const', after, { dtype: { type: tensor.dtype }, value: { tensor } });
    const { dtype, shape, data } = tensor;
    if (after.length > 0 || data.length > SMALL) return add();
    const key = `${dtype} ${shape} ${new Uint8Array(data.buffer, data.byteOffset, data.byteLength)}`;
    const known = this.#constants.get(key) ?? add();
    this.#constants.set(key, known);
    return known;
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
