import { dispose, withoutWeights } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import { expect, it } from 'vitest';
import { layerTree, treeLines } from './layer-tree.ts';

it('a tree of layers counts equal ones once and leaves out those without parameters', () => {
  const config = { model_type: 'gpt2', vocab_size: 7, n_positions: 4, n_layer: 3, n_head: 2, n_embd: 6 };
  const model = withoutWeights(() => modelFromConfig(config));
  const tree = layerTree(model);
  dispose(model);
  expect(tree).toMatchObject({ name: '', kind: 'GPT', repeat: 1, parameters: 42 + 24 + 3 * 510 + 12 });
  expect(treeLines(tree).map((line) => line.trimEnd())).toEqual([
    'GPT  1,608',
    '└─ transformer: GPTTransformer  1,608',
    '   ├─ wte: Embedding  42',
    '   ├─ wpe: Embedding  24',
    '   ├─ h: 3 × Block  3 × 510',
    '   │  ├─ ln_1: LayerNorm  12',
    '   │  ├─ attn: CausalSelfAttention  168',
    '   │  │  ├─ c_attn: Conv1D  126',
    '   │  │  └─ c_proj: Conv1D  42',
    '   │  ├─ ln_2: LayerNorm  12',
    '   │  └─ mlp: MLP  318',
    '   │     ├─ c_fc: Conv1D  168',
    '   │     └─ c_proj: Conv1D  150',
    '   └─ ln_f: LayerNorm  12',
  ]);
});
