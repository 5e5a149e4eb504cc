/** The settings of a model as numbers and texts, from `config.json`. */
export type Config = Readonly<Record<string, unknown>>;

/** What a setting means; `config` holds the others. GPT-2 has names of its own for some. */
const MEANINGS: Readonly<Record<string, (config: Config) => string>> = {
  model_type: () => 'the family: which parts there are and how they are joined',
  vocab_size: () => 'V: how many different tokens there are, and rows in the embedding',
  hidden_size: () =>
    'C: the width of the residual stream, the numbers that a token is while it passes through',
  n_embd: (config) => MEANINGS.hidden_size!(config),
  num_hidden_layers: () =>
    'how many blocks stand on each other, each an attention and a feed-forward network',
  n_layer: (config) => MEANINGS.num_hidden_layers!(config),
  num_attention_heads: (config) =>
    `H: heads of each attention; a head has ${headSize(config)} of the channels to compare with`,
  n_head: (config) => MEANINGS.num_attention_heads!(config),
  num_key_value_heads: (config) =>
    config.num_key_value_heads === config.num_attention_heads
      ? 'heads of keys and values: one for each head of queries'
      : `heads of keys and values, each shared by ${Number(config.num_attention_heads) / Number(config.num_key_value_heads)} heads of queries: the cache is so much smaller (Ainslie et al. 2023)`,
  head_dim: () => 'D: the size of a head',
  intermediate_size: (config) =>
    `the width inside the feed-forward network, ${(Number(config.intermediate_size) / Number(config.hidden_size)).toFixed(2)} times C`,
  n_inner: () => 'the width inside the feed-forward network; 4 C if it is not said',
  hidden_act: () => 'the bend in the feed-forward network: without one, all layers would be one matrix',
  activation_function: (config) => MEANINGS.hidden_act!(config),
  max_position_embeddings: () => 'the longest text, in tokens, that it was made for',
  n_positions: (config) => MEANINGS.max_position_embeddings!(config),
  n_ctx: (config) => MEANINGS.max_position_embeddings!(config),
  sliding_window: () => 'how many tokens back a layer sees; further back only through the layers below it',
  rope_theta: () =>
    'positions are rotations of queries and keys (Su et al. 2021); the base of their wavelengths',
  rope_scaling: () =>
    'how these are stretched for texts longer than those of the training; empty: not at all',
  rope_parameters: () => 'the rotations that stand for positions, as newer files write them',
  rms_norm_eps: () => 'what keeps a norm from dividing by zero',
  layer_norm_epsilon: (config) => MEANINGS.rms_norm_eps!(config),
  initializer_range: () => 'how widely the weights were strewn before training; meaningless afterwards',
  attention_dropout: () => 'share of attention weights that training left out; none when it answers',
  attention_bias: () => 'whether queries, keys and values have a bias',
  mlp_bias: () => 'whether the feed-forward network has biases',
  tie_word_embeddings: (config) =>
    config.tie_word_embeddings
      ? 'the output layer is the embedding again: a table of [V, C] is saved'
      : 'the output layer is a table [V, C] of its own',
  bos_token_id: () => 'the token that begins a text',
  eos_token_id: () => 'the token that ends an answer',
  pad_token_id: () => 'the token that fills up short texts of a batch; never seen',
  torch_dtype: () => 'how the weights were written: 4 bytes a number, or 2',
  dtype: (config) => MEANINGS.torch_dtype!(config),
  use_cache: () => 'keep keys and values from token to token, which this program does anyway',
  architectures: () => 'the class in the library that the file was written by',
  transformers_version: () => 'the version of that library',
};

export interface ConfigLine {
  readonly setting: string;
  readonly value: string;
  readonly meaning: string;
}

/** The lines of a config, the sizes first; of a setting that is not known it says nothing. */
export function explainConfig(config: Config): ConfigLine[] {
  const order = Object.keys(MEANINGS);
  const place = (setting: string) => (order.includes(setting) ? order.indexOf(setting) : order.length);
  return Object.keys(config)
    .sort((a, b) => place(a) - place(b))
    .map((setting) => ({
      setting,
      value: written(config[setting]),
      meaning: MEANINGS[setting]?.(config) ?? '',
    }));
}

/** A value of a setting for a table: without quotes, and nothing for nothing. */
export function written(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return value.toLocaleString('en-US', { maximumFractionDigits: 6 });
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function headSize({ head_dim, hidden_size, n_embd, num_attention_heads, n_head }: Config): number {
  return Number(head_dim ?? Number(hidden_size ?? n_embd) / Number(num_attention_heads ?? n_head));
}
