import {
  dispose as disposeTensors,
  type Tensor,
  tensor,
  tidy,
  Variable,
  variable,
} from '@tensorflow/tfjs-core';
import { type ShapeMismatch, StateDictError } from './errors.ts';
import { Module } from './module.ts';
import { isWithoutValues, variableWithoutValues } from './without-weights.ts';

/** Any module, whatever it takes and returns. */
// biome-ignore lint/suspicious/noExplicitAny: the tree functions look at fields only and never call a module.
export type AnyModule = Module<any, any>;

/** A tensor's values on the host, with their shape; row-major. */
export interface HostTensor {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Parameters by name, on the host. */
export type StateDict = ReadonlyMap<string, HostTensor>;

/** Makes a parameter and takes ownership of `initial`, which is disposed. */
export function parameter<T extends Tensor>(
  initial: T,
  { trainable = true }: { readonly trainable?: boolean } = {},
) {
  if (isWithoutValues(initial)) return variableWithoutValues(initial, trainable);
  const made = variable(initial, trainable);
  initial.dispose();
  return made;
}

/** Every module of the tree with its path, parents first; the root's path is `''`. */
export function* modules(root: AnyModule, path = ''): Generator<readonly [string, AnyModule]> {
  yield [path, root];
  for (const [name, child] of children(root)) yield* modules(child, path === '' ? name : `${path}.${name}`);
}

function* children(parent: AnyModule): Generator<readonly [string, AnyModule]> {
  for (const [field, value] of Object.entries(parent)) {
    if (value instanceof Module) yield [field, value];
    if (!Array.isArray(value)) continue;
    for (const [index, item] of value.entries())
      if (item instanceof Module) yield [`${field}.${index}`, item];
  }
}

/**
 * Every parameter by its name, in the order of the fields. A weight that two places share (a tied output) is listed once,
 * under the first of its names.
 */
export function parameters(root: AnyModule): Map<string, Variable> {
  const found = new Map<string, Variable>();
  const seen = new Set<Variable>();
  for (const [path, module] of modules(root)) {
    for (const [field, value] of Object.entries(module)) {
      if (!(value instanceof Variable) || seen.has(value)) continue;
      seen.add(value);
      found.set(path === '' ? field : `${path}.${field}`, value);
    }
  }
  return found;
}

/** The parameters that training changes: those that are not frozen. */
export function trainableParameters(root: AnyModule): Map<string, Variable> {
  return new Map([...parameters(root)].filter(([, value]) => value.trainable));
}

/** The number of scalars in all parameters; shared weights count once. */
export function countParameters(root: AnyModule): number {
  let count = 0;
  for (const value of parameters(root).values()) count += value.size;
  return count;
}

/** Takes parameters out of training, or back in: all, or those whose name `select` accepts. */
export function freeze(root: AnyModule, select: (name: string) => boolean = () => true, frozen = true): void {
  for (const [name, value] of parameters(root)) if (select(name)) value.trainable = !frozen;
}

/** Replaces modules below `root` in place: `replace` gets each with its path, children first, and returns it or another. */
export function mapModules(
  root: AnyModule,
  replace: (module: AnyModule, path: string) => AnyModule,
  path = '',
): void {
  const visit = (module: AnyModule, name: string): AnyModule => {
    const at = path === '' ? name : `${path}.${name}`;
    mapModules(module, replace, at);
    return replace(module, at);
  };
  const fields = root as unknown as Record<string, unknown>;
  for (const [field, value] of Object.entries(root)) {
    if (value instanceof Module) fields[field] = visit(value, field);
    if (!Array.isArray(value)) continue;
    for (const [index, item] of value.entries()) {
      if (item instanceof Module) value[index] = visit(item, `${field}.${index}`);
    }
  }
}

/** Frees every parameter of the tree; the model cannot be used afterwards. */
export function dispose(root: AnyModule): void {
  disposeTensors([...parameters(root).values()]);
}

/** Copies every parameter to the host. */
export async function stateDict(root: AnyModule): Promise<StateDict> {
  const state = new Map<string, HostTensor>();
  for (const [name, value] of parameters(root)) state.set(name, await toHost(value));
  return state;
}

/** Copies one tensor to the host. */
export async function toHost(value: Tensor): Promise<HostTensor> {
  const data = await value.data<'float32' | 'int32'>();
  return value.dtype === 'int32'
    ? { dtype: 'int32', shape: value.shape, data: Int32Array.from(data) }
    : { dtype: 'float32', shape: value.shape, data: Float32Array.from(data) };
}

/** Makes a tensor of a host copy; the caller owns it. */
export function fromHost({ data, shape, dtype }: HostTensor): Tensor {
  return tensor(data, [...shape], dtype);
}

/** What has a shape: a variable, a tensor on the host, a tensor in a file. */
interface Shaped {
  readonly shape: readonly number[];
}

/**
 * Holds tensors against those that are expected, by name.
 *
 * @throws StateDictError with every missing, unexpected and misshapen name
 */
export function checkShapes(
  tensors: ReadonlyMap<string, Shaped>,
  expected: ReadonlyMap<string, Shaped>,
): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name));
  const mismatched: ShapeMismatch[] = [];
  for (const [name, { shape }] of expected) {
    const actual = tensors.get(name)?.shape;
    if (actual !== undefined && actual.join() !== shape.join()) {
      mismatched.push({ name, expected: shape, actual });
    }
  }
  if (missing.length + unexpected.length + mismatched.length > 0) {
    throw new StateDictError({ missing, unexpected, mismatched });
  }
}

/**
 * Copies values into the parameters of the same names.
 *
 * @throws StateDictError with every missing, unexpected and misshapen name; then nothing has been changed.
 */
export function loadStateDict(root: AnyModule, state: StateDict): void {
  assignAll(parameters(root), state);
}

/** As {@link loadStateDict}, for variables that are not a module's, such as an optimizer's moments. */
export function assignAll(variables: ReadonlyMap<string, Variable>, state: StateDict): void {
  checkShapes(state, variables);
  for (const [name, target] of variables) tidy(() => target.assign(fromHost(state.get(name) as HostTensor)));
}
