import { readSafetensors } from '@minigpt/checkpoints';
import fixtures from '../fixtures/families.json';
import type { Config } from './config.ts';
import { testFamilyFixture } from './testing/family-fixture.ts';
import { tensorsOf } from './testing/fixture-tensors.ts';

const file = new URL('../fixtures/families.safetensors', import.meta.url);

async function fetchTensors() {
  const bytes = new Uint8Array(await (await fetch(file)).arrayBuffer());
  return readSafetensors(bytes).tensors;
}

// The bounds of cpu, wasm and node hold on webgl and webgpu too, computed in software.
const tolerances = {
  logits: { absolute: 6e-6 },
  loss: { absolute: 1e-6 },
  gradient: { absolute: 3e-6, relative: 1e-6 },
  training: { absolute: 4e-6 },
};

// Learned positions and biases; shared key heads and rotary ones; windows, soft caps and post-norms; experts.
for (const name of [
  'gpt2-unscaled',
  'llama-biases-wide-heads',
  'gemma2',
  'mixtral-three-experts-window',
] as const) {
  const { config, losses } = fixtures.models[name];
  const read = async () => tensorsOf(name, await fetchTensors());
  testFamilyFixture(name, { config: config as Config, losses, read }, tolerances, ['webgl', 'webgpu']);
}
