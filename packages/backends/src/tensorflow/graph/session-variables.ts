import { engine, type Variable } from '@tensorflow/tfjs-core';
import type { TensorEntry, TensorFlowBackend } from '../binding.ts';
import type { LoweredVariable } from './lower.ts';

/**
 * The variables of a graph's session, and tfjs's view of them. Whoever reads a variable in tfjs gets the session's value, which
 * is fetched at that moment (and not copied on the CPU); whatever is assigned to it in tfjs goes to the session before the
 * next run.
 */
export class SessionVariables {
  readonly #backend: TensorFlowBackend;
  readonly #session: number;
  readonly #variables: readonly Held[];

  constructor(
    backend: TensorFlowBackend,
    session: number,
    lowered: readonly LoweredVariable[],
    variables: readonly Variable[],
  ) {
    this.#backend = backend;
    this.#session = session;
    this.#variables = lowered.map((each) => ({ ...each, tensor: variables[each.variable] }));
  }

  /** Before a run: gives the session what was assigned since, and saves for clones what the run will change. */
  push(): void {
    const changed = this.#variables.filter(({ tensor, seen }) => tensor.dataId !== seen);
    if (changed.length > 0) {
      const ids = this.#backend.getInputTensorIds(changed.map(({ tensor }) => tensor));
      const names = (key: 'load' | 'loaded') => changed.map((each) => `${each[key]}:0`).join();
      const { binding } = this.#backend;
      for (const { id } of binding.runSavedModel(this.#session, ids, names('load'), names('loaded'))) {
        binding.deleteTensor(id);
      }
      for (const each of changed) each.seen = each.tensor.dataId;
    }
    if (this.#variables.some(({ view }) => view !== undefined && !view.isRead && view.refCount > 1))
      this.pull();
  }

  /** After a run: tfjs's variables stand for the session's new values from here on. */
  changed(): void {
    for (const each of this.#variables) {
      if (!each.assigned) continue;
      const { tensor, view } = each;
      if (tensor.dataId === each.seen && view !== undefined && !view.isRead) continue; // nobody saw the last value
      each.view = new SessionView(this.#backend.tensorMap.get(tensor.dataId), () => this.pull());
      const dataId = {};
      this.#backend.tensorMap.set(dataId, each.view);
      takeOver(tensor, dataId);
      each.seen = dataId;
    }
  }

  /** Fetches all values that tfjs has not got. */
  pull(): void {
    const unread = this.#variables.filter(({ view }) => view !== undefined && !view.isRead);
    if (unread.length === 0) return;
    const names = unread.map(({ value }) => `${value}:0`).join();
    const handles = this.#backend.binding.runSavedModel(this.#session, [], '', names);
    for (const [index, { id }] of handles.entries()) unread[index].view!.take(id);
  }
}

/** `variable.assign` without a tensor to assign: freeing that one would ask for its id, which fetches the value. */
function takeOver(variable: Variable, dataId: object): void {
  engine().disposeTensor(variable);
  (variable as { dataId: object }).dataId = dataId;
  engine().incRef(variable, engine().backend);
}

interface Held extends LoweredVariable {
  readonly tensor: Variable;
  /** What the tensor held when session and tfjs last agreed. */
  seen?: object;
  view?: SessionView;
}

/** What tfjs-node's backend keeps of a tensor whose value is in the session until somebody asks for its id. */
class SessionView implements TensorEntry {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values = null;
  refCount = 0;
  #id: number | undefined;
  readonly #pull: () => void;

  constructor({ shape, dtype }: Pick<TensorEntry, 'shape' | 'dtype'>, pull: () => void) {
    this.shape = shape;
    this.dtype = dtype;
    this.#pull = pull;
  }

  get isRead(): boolean {
    return this.#id !== undefined;
  }

  get id(): number {
    if (this.#id === undefined) this.#pull();
    return this.#id as number;
  }

  take(id: number): void {
    this.#id = id;
  }
}
