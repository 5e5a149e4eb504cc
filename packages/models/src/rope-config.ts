import { ConfigError } from '@minigpt/core';
import type { RotaryEmbeddingOptions } from '@minigpt/layers';
import type { RopeScaling } from '@minigpt/ops';
import { boolean, type Config, number } from './config.ts';

export interface RopeDefaults {
  /** D */
  readonly headDim: number;
  /** `max_position_embeddings` */
  readonly maxLength: number;
  readonly theta?: number;
  readonly partialRotaryFactor?: number;
}

/**
 * The rotary embedding of a config in either layout: transformers 5 keeps everything in `rope_parameters`; before it, there
 * were `rope_theta` (GPT-NeoX: `rotary_emb_base`), `partial_rotary_factor` (`rotary_pct`) and `rope_scaling`.
 *
 * @throws ConfigError that names a scaling which is unknown, or a number of it which is missing
 */
export function readRope(config: Config, defaults: RopeDefaults): RotaryEmbeddingOptions {
  const given = (config.rope_scaling ?? config.rope_parameters ?? {}) as Config;
  const inner = (config.rope_parameters ?? {}) as Config;
  const theta = number(
    { rope_theta: given.rope_theta ?? inner.rope_theta ?? config.rope_theta ?? config.rotary_emb_base },
    'rope_theta',
    defaults.theta ?? 10000,
  );
  const part = given.partial_rotary_factor ?? inner.partial_rotary_factor ?? config.partial_rotary_factor;
  const partial = number(
    { partial_rotary_factor: part ?? config.rotary_pct },
    'partial_rotary_factor',
    defaults.partialRotaryFactor ?? 1,
  );
  return {
    rotaryDim: Math.trunc(defaults.headDim * partial),
    theta,
    scaling: readScaling(given, config, defaults.maxLength),
    maxLength: defaults.maxLength,
  };
}

function readScaling(given: Config, config: Config, maxLength: number): RopeScaling {
  const type = (given.rope_type ?? given.type ?? 'default') as RopeScaling['type'] | 'su';
  const required = (key: string) => {
    if (given[key] == null) {
      throw new ConfigError(key, `A rotary embedding of type ${type} needs ${key}, but the config has none.`);
    }
    return number(given, key, 0);
  };
  const optional = (key: string) => (given[key] == null ? undefined : number(given, key, 0));
  const original = config.original_max_position_embeddings ?? given.original_max_position_embeddings;
  const originalLength = number({ original }, 'original', maxLength);
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
    case 'dynamic':
      return { type, factor: required('factor') };
    case 'yarn':
      return {
        type,
        factor: optional('factor') ?? maxLength / originalLength,
        originalLength,
        betaFast: optional('beta_fast'),
        betaSlow: optional('beta_slow'),
        attentionFactor: optional('attention_factor'),
        mscale: optional('mscale'),
        mscaleAllDim: optional('mscale_all_dim'),
        truncate: boolean(given, 'truncate', true),
      };
    case 'llama3':
      return {
        type,
        factor: required('factor'),
        lowFreqFactor: required('low_freq_factor'),
        highFreqFactor: required('high_freq_factor'),
        originalLength,
      };
    case 'longrope':
    case 'su': // its first name, in Phi-3
      return {
        type: 'longrope',
        shortFactor: numbers(given, 'short_factor'),
        longFactor: numbers(given, 'long_factor'),
        originalLength,
        factor: optional('factor') ?? maxLength / originalLength,
        attentionFactor: optional('attention_factor'),
      };
    default:
      throw new ConfigError(
        'rope_type',
        `rope_type must be one of default, linear, dynamic, yarn, llama3, longrope, but ${JSON.stringify(type)} came.`,
      );
  }
}

function numbers(config: Config, key: string): number[] {
  const value = config[key];
  if (Array.isArray(value) && value.every((item) => Number.isFinite(item))) return value;
  throw new ConfigError(key, `${key} must be a list of numbers, but ${JSON.stringify(value)} came.`);
}

/** The settings of {@link readRope} in both layouts, so that transformers 4 and 5 read them. */
export function writeRope({ theta, scaling, rotaryDim }: RotaryEmbeddingOptions, headDim: number): Config {
  const part = { partial_rotary_factor: rotaryDim / headDim };
  const written = writeScaling(scaling ?? { type: 'default' });
  return {
    rope_theta: theta,
    ...part,
    rope_scaling: written.rope_type === 'default' ? null : written,
    rope_parameters: { rope_theta: theta, ...part, ...written },
  };
}

function writeScaling(scaling: RopeScaling): Config {
  switch (scaling.type) {
    case 'default':
      return { rope_type: 'default' };
    case 'linear':
    case 'dynamic':
      return { rope_type: scaling.type, factor: scaling.factor };
    case 'yarn':
      return withoutUndefined({
        rope_type: 'yarn',
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalLength,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        attention_factor: scaling.attentionFactor,
        mscale: scaling.mscale,
        mscale_all_dim: scaling.mscaleAllDim,
        truncate: scaling.truncate,
      });
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFreqFactor,
        high_freq_factor: scaling.highFreqFactor,
        original_max_position_embeddings: scaling.originalLength,
      };
    case 'longrope':
      return withoutUndefined({
        rope_type: 'longrope',
        short_factor: scaling.shortFactor,
        long_factor: scaling.longFactor,
        original_max_position_embeddings: scaling.originalLength,
        factor: scaling.factor,
        attention_factor: scaling.attentionFactor,
      });
  }
}

const withoutUndefined = (config: Config): Config =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
