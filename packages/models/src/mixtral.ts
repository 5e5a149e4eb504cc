import {
  type BlockAnatomy,
  ConfigError,
  type Context,
  Module,
  type Rng,
  TransformerBlock,
} from '@minigpt/core';
import {
  type ActivationName,
  GroupedQueryAttention,
  gated,
  Linear,
  normal,
  RMSNorm,
  RotaryEmbedding,
} from '@minigpt/layers';
import { loadBalancingLoss, routingWeights } from '@minigpt/ops';
import {
  add,
  dispose,
  keep,
  mul,
  reshape,
  type Scalar,
  split,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type Config, only } from './config.ts';
import { CausalDecoder, decoderSchema } from './decoder.ts';
import { readRope } from './rope-config.ts';
import {
  activation,
  boolean,
  integer,
  number,
  optionalInteger,
  readSettings,
  type SettingsOf,
} from './settings.ts';

const schema = {
  ...decoderSchema,
  max_position_embeddings: integer(131072),
  num_key_value_heads: optionalInteger(8),
  head_dim: optionalInteger(),
  hidden_act: activation('silu'),
  rms_norm_eps: number(1e-5),
  sliding_window: optionalInteger(),
  num_local_experts: integer(8),
  num_experts_per_tok: integer(2),
  output_router_logits: boolean(false),
  router_aux_loss_coef: number(0.001),
};
type MixtralSettings = SettingsOf<typeof schema>;

/**
 * Mixtral (Jiang et al. 2024, "Mixtral of experts"): Mistral with several gated MLPs in each block, of which each token uses
 * the few that a router chooses.
 *
 * @throws ConfigError that names the setting
 */
export function mixtral(config: Config, rng: Rng): Mixtral {
  only(config, 'router_jitter_noise', 0);
  const settings = readSettings(config, schema);
  if (settings.num_experts_per_tok > settings.num_local_experts) {
    throw new ConfigError(
      'num_experts_per_tok',
      `num_experts_per_tok must be at most num_local_experts, ${settings.num_local_experts}, but ${settings.num_experts_per_tok} came.`,
    );
  }
  const headDim = settings.head_dim ?? settings.hidden_size / settings.num_attention_heads;
  const maxLength = settings.max_position_embeddings;
  return new Mixtral(
    settings,
    new RotaryEmbedding(readRope(config, { headDim, maxLength, theta: 1e6 })),
    rng,
  );
}

export class Mixtral extends CausalDecoder {
  readonly expertsPerToken: number;

  constructor(settings: MixtralSettings, rotary: RotaryEmbedding, rng: Rng) {
    super({
      modelType: 'mixtral',
      architecture: 'MixtralForCausalLM',
      settings,
      rotary,
      norm: new RMSNorm({ size: settings.hidden_size, eps: settings.rms_norm_eps }),
      block: (_layer, rng) => new MixtralBlock(settings, rotary, rng),
      rng,
    });
    this.expertsPerToken = settings.num_experts_per_tok;
  }

  /**
   * The logits, and the loss that keeps the experts evenly used: see `loadBalancingLoss`. transformers adds it to the
   * language-model loss, `router_aux_loss_coef` times, where `output_router_logits` is set.
   *
   * @throws ConfigError if the context recomputes activations: what happens inside a block is then not recorded
   */
  callWithBalancingLoss(
    ids: Tensor2D,
    ctx: Context,
  ): { readonly logits: Tensor3D; readonly balancingLoss: Scalar } {
    if (ctx.checkpointing) {
      throw new ConfigError(
        'checkpointing',
        'The balancing loss needs the activations of the routers, but the context does not keep them; turn checkpointing off.',
      );
    }
    return tidy(() => {
      const routers: Tensor2D[] = [];
      const listening = ctx.listen((path, activation) => {
        if (path.endsWith('.block_sparse_moe.gate')) routers.push(keep(activation as Tensor2D));
        return undefined;
      }, /\.block_sparse_moe\.gate$/);
      const logits = this.call(ids, listening);
      const balancingLoss = loadBalancingLoss(routers, this.expertsPerToken);
      dispose(routers);
      return { logits, balancingLoss };
    });
  }
}

/** `x + self_attn(norm(x))`, then `x + block_sparse_moe(norm(x))`; float32 `[B, T, C]` → `[B, T, C]`. */
class MixtralBlock extends TransformerBlock {
  readonly input_layernorm: RMSNorm;
  readonly self_attn: GroupedQueryAttention;
  readonly post_attention_layernorm: RMSNorm;
  readonly block_sparse_moe: MixtureOfExperts;

  constructor(settings: MixtralSettings, rotary: RotaryEmbedding, rng: Rng) {
    super();
    const { hidden_size: hiddenSize, rms_norm_eps: eps } = settings;
    this.input_layernorm = new RMSNorm({ size: hiddenSize, eps });
    this.self_attn = new GroupedQueryAttention({
      hiddenSize,
      numHeads: settings.num_attention_heads,
      numKeyValueHeads: settings.num_key_value_heads,
      headDim: settings.head_dim,
      rotary,
      window: settings.sliding_window,
      dropout: settings.attention_dropout,
      weightInit: normal(settings.initializer_range),
      rng: rng.fold('self_attn'),
    });
    this.post_attention_layernorm = new RMSNorm({ size: hiddenSize, eps });
    this.block_sparse_moe = new MixtureOfExperts(settings, rng.fold('block_sparse_moe'));
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const normed = this.input_layernorm.call(x, ctx.at('input_layernorm'));
    const between = ctx.observe(add(x, this.self_attn.call(normed, ctx.at('self_attn'))), 'resid_mid');
    const again = this.post_attention_layernorm.call(between, ctx.at('post_attention_layernorm'));
    return add(between, this.block_sparse_moe.call(again, ctx.at('block_sparse_moe')));
  }

  override get anatomy(): BlockAnatomy {
    return { attention: 'self_attn', projection: 'o_proj', mlp: 'block_sparse_moe' };
  }
}

/**
 * `Σ_e weight_e(x) · expert_e(x)` over the chosen experts; float32 `[B, T, C]` → `[B, T, C]`.
 *
 * Every expert sees every token, and those not chosen count 0: more arithmetic than dispatching, but nothing is read back from
 * the accelerator, and all shapes are known beforehand.
 */
class MixtureOfExperts extends Module {
  readonly gate: Linear;
  readonly experts: Expert[];
  readonly topK: number;

  constructor(settings: MixtralSettings, rng: Rng) {
    super();
    const { hidden_size, num_local_experts, num_experts_per_tok, initializer_range } = settings;
    this.gate = new Linear({
      inFeatures: hidden_size,
      outFeatures: num_local_experts,
      bias: false,
      weightInit: normal(initializer_range),
      rng: rng.fold('gate'),
    });
    this.experts = Array.from(
      { length: num_local_experts },
      (_, e) => new Expert(settings, rng.fold('experts').fold(e)),
    );
    this.topK = num_experts_per_tok;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const tokens = reshape(x, [-1, x.shape.at(-1) as number]); // [N, C]
    const routerLogits = this.gate.call(tokens, ctx.at('gate')) as Tensor2D; // [N, E]
    const weights = split(routingWeights(routerLogits, this.topK), this.experts.length, -1); // E times [N, 1]
    const said = this.experts.map((expert, e) => mul(expert.call(tokens, ctx.at('experts', e)), weights[e]));
    return reshape(
      said.reduce((sum, one) => add(sum, one)),
      x.shape,
    );
  }
}

/** `w2(activation(w1(x)) · w3(x))` */
class Expert extends Module {
  readonly w1: Linear;
  readonly w2: Linear;
  readonly w3: Linear;
  readonly activation: ActivationName;

  constructor({ hidden_size, intermediate_size, hidden_act, initializer_range }: MixtralSettings, rng: Rng) {
    super();
    const linear = (name: string, inFeatures: number, outFeatures: number) =>
      new Linear({
        inFeatures,
        outFeatures,
        bias: false,
        weightInit: normal(initializer_range),
        rng: rng.fold(name),
      });
    this.w1 = linear('w1', hidden_size, intermediate_size);
    this.w2 = linear('w2', intermediate_size, hidden_size);
    this.w3 = linear('w3', hidden_size, intermediate_size);
    this.activation = hidden_act;
  }

  protected override forward(x: Tensor, ctx: Context): Tensor {
    const hidden = gated(this.activation, this.w1.call(x, ctx.at('w1')), this.w3.call(x, ctx.at('w3')));
    return this.w2.call(ctx.observe(hidden, 'hidden'), ctx.at('w2'));
  }
}
