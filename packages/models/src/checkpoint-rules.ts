import type { Config } from './config.ts';

/**
 * How the names of a published checkpoint become those of the model, where they differ. In most families they do not: the
 * fields of a model are spelt as its checkpoints spell them.
 */
export interface CheckpointRules {
  /** Tensors that hold no parameter: buffers of older versions, and copies of tied weights. */
  readonly ignore: readonly RegExp[];
  /** The first pattern that matches is replaced, as by `String.replace`. */
  readonly rename: readonly (readonly [pattern: RegExp, replacement: string])[];
}

/** Tables of angles, which older versions of transformers saved: the model computes them. */
const ROTARY_BUFFERS = /\.rotary_emb\.(inv_freq|cos_cached|sin_cached)$/;

const none: CheckpointRules = { ignore: [ROTARY_BUFFERS], rename: [] };

const byFamily: Readonly<Record<string, CheckpointRules>> = {
  gpt2: {
    ignore: [/(^|\.)attn\.(bias|masked_bias)$/], // causal masks
    rename: [[/^(?=(wte|wpe|h|ln_f)\.)/, 'transformer.']], // the hub's gpt2 is saved without its prefix
  },
  gpt_neox: {
    ignore: [ROTARY_BUFFERS, /\.attention\.(bias|masked_bias)$/],
    rename: [[/^lm_head\./, 'embed_out.']],
  },
  mixtral: {
    ignore: [ROTARY_BUFFERS],
    rename: [[/\.mlp\.(?=gate\.|experts\.\d+\.w[123]\.)/, '.block_sparse_moe.']],
  },
};

/** The output layer by the names that checkpoints give it. */
const OUTPUT = /^(lm_head|embed_out)\.weight$/;

/** The rules of the family and the settings of a `config.json`. */
export function checkpointRules(config: Config): CheckpointRules {
  const family = String(config.model_type);
  const rules = Object.hasOwn(byFamily, family) ? byFamily[family] : none;
  return isTied(config) ? { ...rules, ignore: [...rules.ignore, OUTPUT] } : rules;
}

/** The families whose output is tied unless their config says otherwise. */
const TIED_BY_DEFAULT: readonly unknown[] = ['gpt2', 'gemma', 'gemma2', 'starcoder2'];

function isTied({ tie_word_embeddings: tied, model_type }: Config): boolean {
  return tied === undefined ? TIED_BY_DEFAULT.includes(model_type) : tied === true;
}

/** The parameter that a tensor of a checkpoint holds, or undefined where it holds none. */
export function parameterName(tensor: string, { ignore, rename }: CheckpointRules): string | undefined {
  if (ignore.some((pattern) => pattern.test(tensor))) return undefined;
  const rule = rename.find(([pattern]) => pattern.test(tensor));
  return rule === undefined ? tensor : tensor.replace(...rule);
}
