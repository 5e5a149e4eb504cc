import type { HostTensor, StateDict } from '@minigpt/core';
import type { JsonObject } from '../json.ts';
import { isRecord } from '../json.ts';
import { LoraError } from './errors.ts';

/** One adapted layer: W + scale·B·A, where W is `[out, in]`; transposed where the layer keeps `[in, out]`. */
export interface LoraLayer {
  /** A, float32 `[r, in]`. */
  readonly a: HostTensor;
  /** B, float32 `[out, r]`. */
  readonly b: HostTensor;
  /** alpha / r, or alpha / √r with rank stabilisation (Kalajdzievski 2023). */
  readonly scale: number;
  /** The layer is an embedding `[V, C]`, whose A is `[r, V]` and whose B is `[C, r]`. */
  readonly isEmbedding: boolean;
}

/** A LoRA adapter (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models") as PEFT keeps it. */
export interface LoraAdapter {
  /** `adapter_config.json` */
  readonly config: JsonObject;
  /** By the path of the layer in the base model, such as `model.layers.0.self_attn.q_proj`. */
  readonly layers: ReadonlyMap<string, LoraLayer>;
  /** Parameters that were trained whole, by their names in the base model: PEFT's `modules_to_save` and biases. */
  readonly replaced: StateDict;
}

/** What PEFT puts before the base model's names. */
const PREFIX = 'base_model.model.';
const LORA_NAME = /^(.+)\.lora_(embedding_)?([AB])(?:\.weight)?$/;

/**
 * Puts an adapter together from its two files.
 *
 * @throws LoraError for a setting that is not implemented, by name, and for tensors that do not belong together
 */
export function loraAdapter(config: JsonObject, tensors: StateDict): LoraAdapter {
  checkConfig(config);
  const pairs = new Map<string, { a?: HostTensor; b?: HostTensor; isEmbedding: boolean }>();
  const replaced = new Map<string, HostTensor>();
  for (const [stored, tensor] of tensors) {
    if (!stored.startsWith(PREFIX)) {
      throw new LoraError('tensor name', `the names of an adapter begin with "${PREFIX}".`, stored);
    }
    const name = stored.slice(PREFIX.length);
    const match = LORA_NAME.exec(name);
    if (match === null) {
      if (name.includes('.lora_'))
        throw new LoraError('tensor name', 'this kind of LoRA is not known.', stored);
      replaced.set(name, tensor);
      continue;
    }
    const [, layer, embedding, side] = match;
    const pair = pairs.get(layer) ?? { isEmbedding: embedding !== undefined };
    pairs.set(layer, { ...pair, [side === 'A' ? 'a' : 'b']: tensor });
  }
  const layers = new Map<string, LoraLayer>();
  for (const [layer, { a, b, isEmbedding }] of pairs) {
    if (a === undefined || b === undefined) {
      throw new LoraError(
        'pair',
        `it needs lora_A and lora_B, but has ${a ? 'lora_A' : 'lora_B'} alone.`,
        layer,
      );
    }
    const rank = rankOf(config, layer);
    const isPair =
      a.shape.length === 2 && b.shape.length === 2 && a.dtype === 'float32' && b.dtype === 'float32';
    if (!isPair || a.shape[0] !== rank || b.shape[1] !== rank) {
      throw new LoraError(
        'rank',
        `of rank ${rank}, A must be float32 [${rank}, in] and B [out, ${rank}], but they are [${a.shape}] and [${b.shape}].`,
        layer,
      );
    }
    const scale = alphaOf(config, layer) / (config.use_rslora === true ? Math.sqrt(rank) : rank);
    layers.set(layer, { a, b, scale, isEmbedding });
  }
  return { config, layers, replaced };
}

/** The tensors of `adapter_model.safetensors`, under PEFT's names. */
export function adapterTensors({ layers, replaced }: LoraAdapter): StateDict {
  const tensors = new Map<string, HostTensor>();
  for (const [layer, { a, b, isEmbedding }] of layers) {
    const [before, after] = isEmbedding ? ['lora_embedding_', ''] : ['lora_', '.weight'];
    tensors.set(`${PREFIX}${layer}.${before}A${after}`, a);
    tensors.set(`${PREFIX}${layer}.${before}B${after}`, b);
  }
  for (const [name, tensor] of replaced) tensors.set(PREFIX + name, tensor);
  return tensors;
}

/** Settings that change the maths and are not implemented, with the values that leave it alone. */
const NOT_IMPLEMENTED = [
  'use_dora',
  'lora_bias',
  'use_qalora',
  'use_bdlora',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
] as const;

function checkConfig(config: JsonObject): void {
  if (config.peft_type !== 'LORA') {
    const type = JSON.stringify(config.peft_type);
    throw new LoraError('config', `peft_type must be "LORA", but it is ${type}.`);
  }
  for (const key of NOT_IMPLEMENTED) {
    const value = config[key];
    if (value === undefined || value === null || value === false) continue;
    if (Array.isArray(value) && value.length === 0) continue;
    throw new LoraError('config', `${key} = ${JSON.stringify(value)} is not implemented.`);
  }
}

function rankOf(config: JsonObject, layer: string): number {
  const rank = patternValue(config.rank_pattern, layer) ?? config.r;
  if (typeof rank === 'number' && Number.isInteger(rank) && rank > 0) return rank;
  throw new LoraError('config', `r must be a positive integer, but it is ${JSON.stringify(rank)}.`, layer);
}

function alphaOf(config: JsonObject, layer: string): number {
  const alpha = patternValue(config.alpha_pattern, layer) ?? config.lora_alpha;
  if (typeof alpha === 'number' && Number.isFinite(alpha)) return alpha;
  throw new LoraError('config', `lora_alpha must be a number, but it is ${JSON.stringify(alpha)}.`, layer);
}

/** The value of the first pattern that matches the end of the path: a name, or a regular expression as PEFT takes it. */
function patternValue(patterns: unknown, layer: string): unknown {
  if (!isRecord(patterns)) return undefined;
  for (const [pattern, value] of Object.entries(patterns)) {
    try {
      if (new RegExp(`^(?:.*\\.)?(?:${pattern})$`).test(layer)) return value;
    } catch (cause) {
      throw new LoraError(
        'config',
        `the pattern ${JSON.stringify(pattern)} is no regular expression.`,
        undefined,
        {
          cause,
        },
      );
    }
  }
  return undefined;
}
