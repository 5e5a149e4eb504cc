import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const packages = fileURLToPath(new URL('packages', import.meta.url));

/** Tests run on sources: `@minigpt/core` is `packages/core/src`, so no build comes first. */
const sourceAliases = [
  { find: /^@minigpt\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
  { find: /^@minigpt\/([^/]+)\/(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
];

export function testConfig(test: ViteUserConfig['test'] = {}) {
  return defineConfig({
    resolve: { alias: sourceAliases },
    test: { testTimeout: 30_000, ...test },
  });
}
