import type { Config } from './config.ts';

/** Settings that transformers 5 takes as a float only: JSON's `30` is an integer to Python, and refused. */
const FLOATS = [
  'attention_factor',
  'attn_logit_softcapping',
  'beta_fast',
  'beta_slow',
  'factor',
  'final_logit_softcapping',
  'high_freq_factor',
  'initializer_range',
  'layer_norm_eps',
  'layer_norm_epsilon',
  'low_freq_factor',
  'mscale',
  'mscale_all_dim',
  'norm_epsilon',
  'partial_rotary_factor',
  'rms_norm_eps',
  'rope_theta',
  'rotary_pct',
  'router_aux_loss_coef',
];

const WHOLE_FLOAT = new RegExp(`^(\\s*"(?:${FLOATS.join('|')})": -?\\d+)(?=,?$)`, 'gm');

/** The text of a `config.json`, in which whole numbers of float settings keep their point: `30.0`. */
export function configJson(config: Config): string {
  return `${JSON.stringify(config, undefined, 2).replace(WHOLE_FLOAT, '$1.0')}\n`;
}
