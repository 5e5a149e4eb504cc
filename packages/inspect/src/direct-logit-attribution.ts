import { Context, type LanguageModel, registerGradients, type Transformer, toHost } from '@minigpt/core';
import {
  concat,
  eye,
  grad,
  mul,
  reshape,
  slice,
  sub,
  sum,
  type Tensor,
  tidy,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { asTransformer, moduleAt } from './anatomy.ts';
import { InspectionError } from './errors.ts';
import { record } from './tap.ts';
import { idTensor } from './token-ids.ts';

export interface DirectLogitAttributionOptions {
  /** The token whose logit is explained. */
  readonly target: number;
  /** Explain by how much its logit is above this token's. */
  readonly against?: number;
  /** The position that predicts; the last unless told. */
  readonly position?: number;
}

/** What one component adds. */
export interface LogitContribution {
  readonly component: 'embedding' | 'positions' | 'head' | 'attention bias' | 'MLP';
  /** `embedding`, `positions`, `L0H3`, `L0 attention bias`, `L0 MLP`. */
  readonly name: string;
  readonly layer?: number;
  readonly head?: number;
  /** Part of the logit, or of the difference of two. */
  readonly value: number;
}

export interface LogitAttribution {
  /** In the order in which they write to the residual stream. */
  readonly contributions: readonly LogitContribution[];
  /** What the biases of the final norm and of the output layer give whatever the input. */
  readonly bias: number;
  /** The logit, or difference, before any soft cap: the sum of the contributions and the bias. */
  readonly logit: number;
}

/**
 * Direct logit attribution (Elhage et al. 2021, "A mathematical framework for Transformer circuits"; TransformerLens's
 * `logit_attrs`): the residual stream is the sum of what the embeddings, each head and each MLP wrote into it, and with the
 * scale of the final norm frozen at the value that it has in this pass the logits are linear in that sum. Where a family norms
 * what a half of a block adds (OLMo 2, Gemma 2), the scale of that norm is frozen too. A soft cap on the logits (Gemma 2) is
 * left out: it would not be linear.
 *
 * The embedding counts with all that is done to it (Gemma scales it); learned positions count apart.
 *
 * @param ids one text
 * @throws NotATransformerError
 * @throws InspectionError for a position or token that is not there
 * @throws ShapeError, TokenRangeError for ids that the model cannot take
 */
export async function directLogitAttribution(
  model: LanguageModel,
  ids: ArrayLike<number>,
  { target, against, position = ids.length - 1 }: DirectLogitAttributionOptions,
): Promise<LogitAttribution> {
  const transformer = asTransformer(model, 'directLogitAttribution');
  checkIndex('position', position, ids.length);
  for (const id of [target, against]) if (id !== undefined) checkIndex('token', id, model.vocabSize);
  registerGradients();
  const recording = record(Context.evaluation(), whatIsNeeded(transformer));
  try {
    tidy(() => void model.call(idTensor([ids], model.vocabSize), recording.ctx));
    const pass: Pass = { model: transformer, seen: recording.tensors, position };
    const names: ComponentName[] = [];
    const values = tidy(() => {
      const { anatomy } = transformer;
      // With frozen norms the logit is an affine function of what is in the residual stream: it has one slope everywhere.
      const readOut = (x: Tensor) => sum(difference(logitsOf(pass, x), target, against)); // [1, 1, C] → scalar
      const nothing = zerosLike(activationAt(pass, anatomy.embedding)); // [1, 1, C]
      const slope = grad(readOut)(nothing); // [1, 1, C]
      const parts = [embeddings(pass), ...anatomy.blocks.map((_, layer) => block(pass, layer))];
      names.push(...parts.flatMap((part) => part.names));
      const contributions = parts.map(({ written }) => sum(mul(written, slope), [1, 2])); // [N] each
      const logit = difference(activationAt(pass, anatomy.unembedding), target, against); // [1]
      return concat([...contributions, reshape(readOut(nothing), [1]), logit]);
    });
    const numbers = Array.from((await toHost(values)).data);
    values.dispose();
    const [bias, logit] = numbers.splice(-2);
    const contributions = names.map((name, i) => ({ ...name, value: numbers[i] }));
    return {
      contributions: contributions.filter(
        ({ component, value }) => value !== 0 || component !== 'attention bias',
      ),
      bias,
      logit,
    };
  } finally {
    recording.dispose();
  }
}

function checkIndex(what: string, index: number, count: number): void {
  if (Number.isInteger(index) && index >= 0 && index < count) return;
  throw new InspectionError(`A ${what} must lie in 0…${count - 1}, but ${index} came.`);
}

/** One position of a recorded pass. */
interface Pass {
  readonly model: Transformer;
  readonly seen: ReadonlyMap<string, Tensor>;
  readonly position: number;
}

type ComponentName = Omit<LogitContribution, 'value'>;

/** What components wrote into the residual stream at the position, float32 `[N, 1, C]`, and what they are called. */
interface Components {
  readonly names: readonly ComponentName[];
  readonly written: Tensor;
}

/** The paths to record. */
function whatIsNeeded({ anatomy }: Transformer): string[] {
  const { embedding, positions, norm, unembedding } = anatomy;
  const ofBlocks = anatomy.blocks.flatMap(({ path, attention, attentionNorm, mlp, mlpNorm }) => {
    const norms = [attentionNorm, mlpNorm].filter((name) => name !== undefined);
    return [`${path}.${attention}.z`, `${path}.${mlp}`, ...norms.map((name) => `${path}.${name}.rstd`)];
  });
  return [
    embedding,
    ...(positions === undefined ? [] : [positions]),
    ...ofBlocks,
    `${norm}.rstd`,
    unembedding,
  ];
}

function embeddings(pass: Pass): Components {
  const { embedding, positions } = pass.model.anatomy;
  const whole = activationAt(pass, embedding);
  if (positions === undefined)
    return { names: [{ component: 'embedding', name: 'embedding' }], written: whole };
  const ofPosition = activationAt(pass, positions);
  return {
    names: [
      { component: 'embedding', name: 'embedding' },
      { component: 'positions', name: 'positions' },
    ],
    written: concat([sub(whole, ofPosition), ofPosition]), // [2, 1, C]
  };
}

/** The heads of a block, the bias of its attention, and its MLP. */
function block(pass: Pass, layer: number): Components {
  const { path, attention, projection, attentionNorm, mlp, mlpNorm } = pass.model.anatomy.blocks[layer];
  const z = pass.seen.get(`${path}.${attention}.z`) as Tensor; // [1, H, T, D]
  const [, heads, , size] = z.shape as [number, number, number, number];
  const here = reshape(slice(z, [0, 0, pass.position, 0], [1, heads, 1, size]), [1, heads, size]);
  const apart = reshape(mul(here, reshape(eye(heads), [heads, heads, 1])), [heads, 1, heads * size]); // each head alone
  const project = moduleAt(pass.model, `${path}.${attention}.${projection}`);
  const bias = project.call(zeros([1, 1, heads * size])); // [1, 1, C]
  const attended = concat([sub(project.call(apart), bias), bias]); // [H + 1, 1, C]
  const fed = activationAt(pass, `${path}.${mlp}`); // [1, 1, C]
  const normed = (written: Tensor, norm: string | undefined) =>
    norm === undefined ? written : frozenNorm(pass, `${path}.${norm}`, written);
  return {
    names: [
      ...Array.from({ length: heads }, (_, head) => ({
        component: 'head' as const,
        name: `L${layer}H${head}`,
        layer,
        head,
      })),
      { component: 'attention bias', name: `L${layer} attention bias`, layer },
      { component: 'MLP', name: `L${layer} MLP`, layer },
    ],
    written: concat([normed(attended, attentionNorm), normed(fed, mlpNorm)]), // [H + 2, 1, C]
  };
}

/** An activation at the position, `[1, T, X]` or `[T, X]` → `[1, 1, X]`. */
function activationAt({ seen, position }: Pass, path: string): Tensor {
  const activation = seen.get(path) as Tensor;
  const [t, width] = activation.shape.slice(-2);
  return slice(reshape(activation, [1, t, width]), [0, position, 0], [1, 1, width]);
}

/** A norm with the scale that it has in the pass, which makes it an affine function; `[N, 1, C]` → `[N, 1, C]`. */
function frozenNorm(pass: Pass, path: string, x: Tensor): Tensor {
  const rstd = activationAt(pass, `${path}.rstd`); // [1, 1, 1]
  return moduleAt(pass.model, path).call(
    x,
    Context.evaluation().listen(() => rstd, /^rstd$/),
  );
}

/** `[N, 1, C]` → the logits before any soft cap, `[N, 1, V]`. */
function logitsOf(pass: Pass, written: Tensor): Tensor {
  const { norm, unembedding } = pass.model.anatomy;
  let uncapped: Tensor | undefined;
  const ctx = Context.evaluation().listen((path, logits) => {
    if (path === unembedding) uncapped = logits;
    return undefined;
  });
  pass.model.unembed(frozenNorm(pass, norm, written), ctx);
  return uncapped as Tensor;
}

/** The logit of one token, or how far it is above another's; `[N, 1, V]` → `[N]`. */
function difference(logits: Tensor, target: number, against: number | undefined): Tensor {
  const n = logits.shape[0];
  const of = (id: number) => reshape(slice(logits, [0, 0, id], [n, 1, 1]), [n]);
  return against === undefined ? of(target) : sub(of(target), of(against));
}
