import { util } from '@tensorflow/tfjs-core';
import { type Source, sourceKey } from '../../compile/trace.ts';
import type { Command, Kernels } from '../kernels.ts';
import { Arena, aligned } from './arena.ts';
import { callKernel } from './kernel-call.ts';
import type { KernelTrace, TensorShape } from './recorder.ts';
import type { Schedule, ScheduledNode } from './schedule.ts';

/** A step as lists of commands. All places are offsets in the memory of tfjs. */
export interface Lowered {
  readonly compute: readonly Command[];
  /** What changes the variables and nothing else. */
  readonly commit: readonly Command[];
  /** Where the feeds, the constants and the results lie, in their order. */
  readonly feeds: readonly number[];
  readonly constants: readonly number[];
  readonly results: readonly number[];
  /** Feeds whose ids must be rows of a table. */
  readonly fedIds: readonly FedIds[];
  /** The operations that read ids which are computed, and look out for some that are none. */
  readonly computedIds: readonly string[];
  /** Where they say which id was none. */
  readonly status: number;
  /** The bytes that all of this takes. */
  readonly bytes: number;
}

interface FedIds {
  readonly op: string;
  readonly feed: number;
  /** How many rows the table has. */
  readonly count: number;
}

/** Where a tensor lies; kernels of ours are handed it as the id of tfjs's memory. */
interface Place {
  readonly offset: number;
  /** Of the arena, if it is from there. */
  readonly bytes?: number;
  /** Whose it is, if it is a variable's. */
  readonly variable?: number;
  /** Which one it is, if it is a feed. */
  readonly feed?: number;
}

export interface LowerOptions {
  readonly trace: KernelTrace;
  readonly schedule: Schedule;
  /** Where the program's memory begins. */
  readonly base: number;
  /** Where a variable lies. */
  readonly variableAt: (variable: number) => number;
  readonly kernels: Kernels;
}

/** The two words at the beginning of a program's memory: an id that is none, and how many there are. */
const STATUS_BYTES = 8;

/**
 * Asks the kernels for their commands, with places in a memory that is planned as they are asked: a tensor's place is free again
 * after its last reader.
 *
 * @throws CompileError if an operation has no kernel of ours
 */
export function lower({ trace, schedule, base, variableAt, kernels: loaded }: LowerOptions): Lowered {
  const { nodes, feeds, constants, results } = trace;
  const order = [...schedule.nodes, ...schedule.commit];
  const lastReader = lastReaders(trace, schedule, order);
  let fixed = base + aligned(STATUS_BYTES);
  const constantsAt = constants.map(({ data }) => {
    const at = fixed;
    fixed += aligned(data.byteLength);
    return at;
  });
  const arena = new Arena();
  const places = new Map<string, Place>();
  const saved = new Map<number, Place>();
  const fedIds: FedIds[] = [];
  const computedIds: string[] = [];
  let commands: Command[] = [];

  const allocate = (bytes: number): Place => ({ offset: fixed + arena.allocate(bytes), bytes });
  const free = ({ offset, bytes }: Place) => {
    if (bytes !== undefined) arena.free(offset - fixed, bytes);
  };
  const placeOf = (source: Source): Place => {
    if (source.from === 'constant') return { offset: constantsAt[source.constant] };
    if (source.from === 'variable') return { offset: variableAt(source.variable), variable: source.variable };
    return places.get(sourceKey(source)) as Place;
  };
  const endOf = (source: Source): Place =>
    (source.from === 'variable' ? saved.get(source.variable) : undefined) ?? placeOf(source);

  function lowerNode({ node, variables }: ScheduledNode): void {
    const traced = nodes[node];
    const scratch: Place[] = [];
    const kernels: Kernels = {
      run: (list) => commands.push(...list),
      offsetOf: (tensor) => (tensor === undefined ? 0 : (tensor.dataId as Place).offset),
      output: (shape, dtype = 'float32') => {
        return { dataId: allocate(bytesOf({ shape, dtype })), shape: [...shape], dtype };
      },
      outputFrom: (x) => kernels.outputOver(x),
      outputOver: (x) => {
        const { variable } = x.dataId as Place;
        return variable !== undefined && variables.includes(variable) ? x : kernels.output(x.shape, x.dtype);
      },
      scratch: (bytes) => {
        const place = allocate(bytes);
        scratch.push(place);
        return place.offset;
      },
      reserve: loaded.reserve,
      checkIds: (op, ids, count) => {
        const { feed } = ids.dataId as Place;
        if (feed !== undefined) {
          fedIds.push({ op, feed, count });
          return;
        }
        computedIds.push(op);
        const args = [kernels.offsetOf(ids), util.sizeFromShape(ids.shape), count, base];
        commands.push({ kernel: 'checkIds', units: 1, work: 0, args });
      },
    };
    const given = callKernel(traced, traced.inputs.map(placeOf), kernels);
    for (const place of scratch) free(place);
    for (const [output, tensor] of given.entries()) {
      const key = sourceKey({ from: 'node', node, output });
      const place = tensor.dataId as Place;
      places.set(key, place);
      if (!lastReader.has(key)) free(place);
    }
    for (const key of new Set(traced.inputs.map(sourceKey))) {
      if (lastReader.get(key) === node && places.has(key)) free(places.get(key) as Place);
    }
  }

  for (const [feed, { shape, dtype }] of feeds.entries()) {
    places.set(sourceKey({ from: 'feed', feed }), { ...allocate(bytesOf({ shape, dtype })), feed });
  }
  const feedsAt = feeds.map((_, feed) => placeOf({ from: 'feed', feed }).offset);
  for (const variable of schedule.saved) {
    const bytes = bytesOf(trace.variables[variable]);
    const place = allocate(bytes);
    saved.set(variable, place);
    commands.push(copyOf(variableAt(variable), place.offset, bytes));
  }
  for (const scheduled of schedule.nodes) lowerNode(scheduled);
  const compute = commands;
  commands = [];
  for (const scheduled of schedule.commit) lowerNode(scheduled);
  for (const [variable, source] of schedule.copies) {
    const bytes = bytesOf(trace.variables[variable]);
    commands.push(copyOf(endOf(source).offset, variableAt(variable), bytes));
  }
  return {
    compute,
    commit: commands,
    feeds: feedsAt,
    constants: constantsAt,
    results: results.map((source) => endOf(source).offset),
    fedIds,
    computedIds,
    status: base,
    bytes: fixed - base + arena.size,
  };
}

/** Which node reads each tensor last; none where it is wanted at the end. */
function lastReaders(
  { nodes, results }: KernelTrace,
  { copies }: Schedule,
  order: readonly ScheduledNode[],
): ReadonlyMap<string, number> {
  const last = new Map<string, number>();
  for (const { node } of order) {
    for (const source of nodes[node].inputs) last.set(sourceKey(source), node);
  }
  for (const source of [...results, ...copies.values()]) last.set(sourceKey(source), Number.NaN);
  return last;
}

function copyOf(from: number, to: number, bytes: number): Command {
  const words = Math.ceil(bytes / 4);
  return {
    kernel: 'copyBlocks',
    units: 1,
    work: words,
    args: [from, to, 1, 1, 1, words, 0, 0, 0, 0, 0, 0, 1, 1],
  };
}

function bytesOf({ shape, dtype }: TensorShape): number {
  return util.sizeFromShape([...shape]) * util.bytesPerElement(dtype);
}
