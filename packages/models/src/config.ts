import { ConfigError } from '@minigpt/core';

/** What a `config.json` holds. */
export type Config = Readonly<Record<string, unknown>>;

/**
 * Reads a positive integer, such as a width.
 *
 * @throws ConfigError that names the key
 */
export function positiveInteger(config: Config, key: string): number {
  const value = config[key];
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  throw new ConfigError(key, `${key} must be a positive integer, but ${describe(value)} came.`);
}

/** Reads a number, or `fallback` where the key is absent. @throws ConfigError that names the key */
export function number(config: Config, key: string, fallback: number): number {
  const value = config[key] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new ConfigError(key, `${key} must be a number, but ${describe(value)} came.`);
}

/** Reads true or false, or `fallback` where the key is absent. @throws ConfigError that names the key */
export function boolean(config: Config, key: string, fallback: boolean): boolean {
  const value = config[key] ?? fallback;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(key, `${key} must be true or false, but ${describe(value)} came.`);
}

/** Refuses a setting that the model does not implement, unless it is absent or has the one value that it does. */
export function only(config: Config, key: string, implemented: unknown): void {
  const value = config[key] ?? implemented;
  if (value === implemented) return;
  throw new ConfigError(
    key,
    `${key} = ${describe(value)} is not implemented; this model knows ${key} = ${describe(implemented)}.`,
  );
}

function describe(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
