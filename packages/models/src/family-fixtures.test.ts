import { readReferenceJson, readReferenceTensors } from '@minigpt/testing/reference';
import { testFamilyFixture } from './testing/family-fixture.ts';
import { type FamilyFixture, tensorsOf } from './testing/fixture-tensors.ts';

const fixtures = new URL('../fixtures/families', import.meta.url).pathname;
const { models } = readReferenceJson<{ models: Record<string, Omit<FamilyFixture, 'read'>> }>(
  `${fixtures}.json`,
);
const all = readReferenceTensors(`${fixtures}.safetensors`);

// Above the worst difference measured on cpu, wasm and node, which the comments give.
const tolerances = {
  logits: { absolute: 6e-6 }, // 4.4e-6
  loss: { absolute: 1e-6 }, // 4.8e-7
  gradient: { absolute: 3e-6, relative: 1e-6 }, // 3.6e-6, where the gradient is large
  training: { absolute: 4e-6 }, // 3.1e-6: Adam divides by gradients that are next to nothing
};

for (const [name, model] of Object.entries(models)) {
  testFamilyFixture(name, { ...model, read: async () => tensorsOf(name, all) }, tolerances);
}
