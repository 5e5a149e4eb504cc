import { ConfigError } from '@minigpt/core';
import { type ActivationName, activationName } from '@minigpt/layers';
import type { Config } from './config.ts';
import * as values from './config.ts';

/** Reads one setting of a config by its name. @throws ConfigError that names it */
type Reader<T> = (config: Config, key: string) => T;

/** What a schema reads: each setting under the name that `config.json` gives it. */
export type SettingsOf<Schema> = {
  readonly [Key in keyof Schema]: Schema[Key] extends Reader<infer T> ? T : never;
};

/**
 * Reads the settings of a schema; others in the config are ignored.
 *
 * @throws ConfigError that names the first setting that is missing or wrong
 */
export function readSettings<Schema extends Record<string, Reader<unknown>>>(
  config: Config,
  schema: Schema,
): SettingsOf<Schema> {
  const entries = Object.entries(schema).map(([key, read]) => [key, read(config, key)]);
  return Object.fromEntries(entries) as SettingsOf<Schema>;
}

/** A positive integer that must be there, or may be left out where transformers has a default. */
export const integer =
  (fallback?: number): Reader<number> =>
  (config, key) =>
    values.positiveInteger(fallback === undefined ? config : { [key]: config[key] ?? fallback }, key);

/** A positive integer, or undefined where it is null; `fallback` where it is left out. */
export const optionalInteger =
  (fallback?: number): Reader<number | undefined> =>
  (config, key) => {
    const value = config[key] === undefined ? fallback : config[key];
    return value == null ? undefined : values.positiveInteger({ [key]: value }, key);
  };

export const number =
  (fallback: number): Reader<number> =>
  (config, key) =>
    values.number(config, key, fallback);

/** A number, or undefined where it is null; `fallback` where it is left out. */
export const optionalNumber =
  (fallback: number): Reader<number | undefined> =>
  (config, key) =>
    config[key] === null ? undefined : values.number(config, key, fallback);

export const boolean =
  (fallback: boolean): Reader<boolean> =>
  (config, key) =>
    values.boolean(config, key, fallback);

/** The name of an activation function. @throws ConfigError for one that is not implemented */
export const activation =
  (fallback: ActivationName): Reader<ActivationName> =>
  (config, key) => {
    try {
      return activationName(config[key] ?? fallback);
    } catch (error) {
      throw error instanceof ConfigError ? new ConfigError(key, `${key}: ${error.message}`) : error;
    }
  };

/** One id, several (of the end of a sequence), or null: kept for whoever reads the config; the model does not look at them. */
export const tokenIds: Reader<unknown> = (config, key) => config[key] ?? null;

const LAYER_TYPES = ['full_attention', 'sliding_attention'] as const;
export type LayerType = (typeof LAYER_TYPES)[number];

/** A list with the kind of attention of each layer, or undefined where it is left out. @throws ConfigError for another kind */
export const layerTypes = (config: Config, key: string): readonly LayerType[] | undefined => {
  const value = config[key];
  if (value == null) return undefined;
  const isLayerType = (type: unknown): type is LayerType =>
    (LAYER_TYPES as readonly unknown[]).includes(type);
  if (Array.isArray(value) && value.length === config.num_hidden_layers && value.every(isLayerType))
    return value;
  throw new ConfigError(
    key,
    `${key} must name ${LAYER_TYPES.join(' or ')} for each of the ${config.num_hidden_layers} layers, but ${JSON.stringify(value)} came.`,
  );
};
