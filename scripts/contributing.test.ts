import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { layerSource, layerTestSource } from './lib/layer-template.mjs';

it('CONTRIBUTING shows the layer that pnpm new:layer writes', () => {
  const text = readFileSync(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8');
  expect(text).toContain(`\`\`\`ts\n${layerSource('LayerScale')}\`\`\``);
  expect(text).toContain(`\`\`\`ts\n${layerTestSource('layer-scale', 'LayerScale')}\`\`\``);
});
