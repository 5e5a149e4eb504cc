import {
  add,
  cast,
  concat,
  equal,
  greater,
  less,
  logicalAnd,
  logicalOr,
  mean,
  mul,
  range,
  reshape,
  type Scalar,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

/**
 * float32 `[N, E]`: 1 for the `topK` experts of each token, 0 for the others; of equal logits the first ones count. Each expert
 * is compared with all others, since tfjs's `topk` gives wrong indices for such short rows on WebGPU (4.22, found by the test of
 * Mixtral in Chromium).
 */
function chosenExperts(routerLogits: Tensor, topK: number): Tensor2D {
  const [tokens, experts] = routerLogits.shape as [number, number];
  const own = reshape(routerLogits, [tokens, experts, 1]);
  const others = reshape(routerLogits, [tokens, 1, experts]);
  const ids = range(0, experts, 1, 'int32'); // [E]
  const earlier = less(ids, reshape(ids, [experts, 1])); // [E, E]: whether the other comes before one's own
  const ahead = logicalOr(greater(others, own), logicalAnd(equal(others, own), earlier)); // [N, E, E]
  return cast(less(sum(cast(ahead, 'int32'), -1), topK), 'float32') as Tensor2D; // [N, E]
}

/** The gradient of the logits of y = softmax(logits), given that of y. */
function softmaxBackward(dy: Tensor, y: Tensor): Tensor {
  return mul(y, sub(dy, sum(mul(dy, y), -1, true)));
}

/**
 * How much each expert says about each token: the softmax over the logits of its `topK` experts, 0 for the others, which is
 * the softmax over all, cut to the `topK` and made to sum to 1 again (Jiang et al. 2024, "Mixtral of experts").
 *
 * @param routerLogits float32 `[N, E]`
 * @returns float32 `[N, E]`; each row sums to 1
 */
export function routingWeights(routerLogits: Tensor2D, topK: number): Tensor2D {
  return withGradient([routerLogits], (save) => {
    const hidden = mul(sub(1, chosenExperts(routerLogits, topK)), -1e9); // [N, E]
    const value = softmax(add(routerLogits, hidden)) as Tensor2D;
    save(value);
    return { value, backward: (dy, [value]) => [softmaxBackward(dy, value)] };
  });
}

/**
 * `E Σ_e f_e P_e`, with f_e the fraction of tokens that chose expert e and P_e the mean probability the router gave it: least,
 * and equal to `topK`, where both are even (Fedus, Zoph, Shazeer 2022, "Switch transformers", as transformers computes it for
 * Mixtral). No gradient flows through the choice.
 *
 * @param routerLogits one `[N, E]` float32 tensor a layer; their tokens count together
 * @returns a float32 scalar
 */
export function loadBalancingLoss(routerLogits: readonly Tensor2D[], topK: number): Scalar {
  return withGradient<Scalar>(routerLogits, (save) => {
    const all = concat([...routerLogits], 0); // [L N, E]
    const [tokens, experts] = all.shape;
    const probabilities = softmax(all);
    const fractions = mean(chosenExperts(all, topK), 0); // [E]
    save(probabilities, fractions);
    return {
      value: mul(sum(mul(fractions, mean(probabilities, 0))), experts),
      backward: (dy, [probabilities, fractions]) => {
        const slope = mul(dy, mul(softmaxBackward(fractions, probabilities), experts / tokens)); // [L N, E]
        return routerLogits.map(({ shape: [count] }, layer) =>
          slice(slope, [layer * count, 0], [count, experts]),
        );
      },
    };
  });
}
