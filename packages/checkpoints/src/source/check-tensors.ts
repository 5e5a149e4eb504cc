import { type ShapeMismatch, StateDictError } from '@minigpt/core';
import type { TensorInfo } from './lazy-state-dict.ts';

/**
 * Holds the tensors of a file against what the config asks for.
 *
 * @param expected shapes by name.
 * @throws StateDictError with every tensor that is missing, unexpected or misshapen
 */
export function checkTensors(
  tensors: ReadonlyMap<string, TensorInfo>,
  expected: ReadonlyMap<string, readonly number[]>,
): void {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const unexpected = [...tensors.keys()].filter((name) => !expected.has(name));
  const mismatched: ShapeMismatch[] = [];
  for (const [name, shape] of expected) {
    const actual = tensors.get(name)?.shape;
    if (actual !== undefined && actual.join() !== shape.join()) {
      mismatched.push({ name, expected: shape, actual });
    }
  }
  if (missing.length + unexpected.length + mismatched.length > 0) {
    throw new StateDictError({ missing, unexpected, mismatched });
  }
}
