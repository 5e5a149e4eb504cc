import { CheckpointError } from './errors.ts';

/** A JSON object: neither null nor an array. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * JSON of a value that survives the way there and back.
 *
 * @throws CheckpointError for a number that JSON would turn to null
 */
export function toJson(value: unknown, indent?: number): string {
  const keepNumbers = (key: string, item: unknown) => {
    if (typeof item !== 'number' || Number.isFinite(item)) return item;
    throw new CheckpointError(`JSON holds finite numbers only, but "${key}" is ${item}; leave it out.`);
  };
  return JSON.stringify(value, keepNumbers, indent);
}
