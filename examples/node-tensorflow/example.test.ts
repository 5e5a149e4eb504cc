import { expect, it } from 'vitest';
import { hasBinding, installedTfjsNode } from '../../packages/backends/src/tensorflow/tfjs-node.ts';
import { runExample } from '../../scripts/lib/run-example.ts';

const linked = installedTfjsNode().some(hasBinding);
const enabling = linked ? '' : ' (needs TensorFlow: pnpm minigpt tensorflow)';

it.skipIf(!linked)(
  `examples/node-tensorflow learns from a text and writes${enabling}`,
  async () => {
    const { lines, losses } = await runExample('node-tensorflow', 100);
    expect(lines[0]).toMatch(/^TensorFlow \(.*\), 2\./);
    expect(losses).toHaveLength(2);
    expect(losses.at(-1)).toBeLessThan(1.5);
    expect(lines.slice(3).join('\n').length).toBeGreaterThan(190); // what it wrote
  },
  180_000,
);
