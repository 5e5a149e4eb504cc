import type { OpAttribute } from '../binding.ts';
import type { AttributeValue } from './graph-def.ts';

/** TF_AttrType of TensorFlow's C interface, which the binding hands on. */
const kinds: Readonly<Record<number, (value: unknown) => AttributeValue>> = {
  0: (value) => ({ string: value as string }),
  1: (value) => (Array.isArray(value) ? { ints: value } : { int: value as number }),
  2: (value) => ({ float: value as number }),
  3: (value) => (Array.isArray(value) ? { bools: value } : { bool: value as boolean }),
  4: (value) => ({ type: value as number }),
  5: (value) => ({ shape: value as readonly number[] }),
};

/** The attributes that an operation was called with, as a graph holds them. */
export function attributesOf(attributes: readonly OpAttribute[]): Record<string, AttributeValue> {
  return Object.fromEntries(attributes.map(({ name, type, value }) => [name, kinds[type](value)]));
}
