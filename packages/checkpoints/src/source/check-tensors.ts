import { checkShapes } from '@minigpt/core';
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
  checkShapes(tensors, new Map([...expected].map(([name, shape]) => [name, { shape }])));
}
