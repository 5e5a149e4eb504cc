import { CompileError } from '@minigpt/core';
import { util } from '@tensorflow/tfjs-core';
import type { Source, Trace, TracedConstant } from './trace.ts';

/**
 * Holds two traces of a step, taken with different feeds, against each other: what differs beside the feeds changes from
 * step to step, and a program would freeze it.
 *
 * @throws CompileError
 */
export function requireSameSteps(first: Trace, second: Trace): void {
  for (const [index, node] of first.nodes.entries()) {
    const other = second.nodes[index];
    const same =
      other !== undefined &&
      node.op === other.op &&
      JSON.stringify([node.inputs.map(kindOf), node.attributes, node.outputs]) ===
        JSON.stringify([other.inputs.map(kindOf), other.attributes, other.outputs]);
    if (!same) throw differentSteps(node.op, other?.op);
    for (const [input, source] of node.inputs.entries()) {
      const constants = [constantOf(source, first), constantOf(other.inputs[input], second)];
      if (constants[0] !== undefined && !sameValues(constants[0], constants[1]!)) {
        throw new CompileError(
          node.op,
          `${node.op} reads a tensor [${constants[0].shape}] of host data that changes from step to step, which a compiled ` +
            'step would freeze; make it with feed(() => …).',
        );
      }
    }
  }
  if (first.nodes.length < second.nodes.length)
    throw differentSteps(undefined, second.nodes[first.nodes.length].op);
  const ends = ({ results, assigned }: Trace) => JSON.stringify([results.map(kindOf), [...assigned.keys()]]);
  if (ends(first) !== ends(second) || first.feeds.length !== second.feeds.length)
    throw differentSteps('results', 'others');
}

function differentSteps(op = 'nothing', other = 'nothing'): CompileError {
  return new CompileError(
    op,
    `A compiled step does the same in every run, but where one run computed ${op}, the next computed ${other}; ` +
      'do not compile a step whose operations depend on its data.',
  );
}

/** A source without the numbers of constants, which are compared by their values. */
function kindOf(source: Source): string {
  return source.from === 'constant' ? 'constant' : JSON.stringify(source);
}

function constantOf(source: Source, { constants }: Trace): TracedConstant | undefined {
  return source.from === 'constant' ? constants[source.constant] : undefined;
}

function sameValues(a: TracedConstant, b: TracedConstant): boolean {
  if (a.dtype !== b.dtype || !util.arraysEqual([...a.shape], [...b.shape])) return false;
  const [left, right] = [a, b].map(
    ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  );
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
