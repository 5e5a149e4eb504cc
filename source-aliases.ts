import { fileURLToPath } from 'node:url';

export const packages = fileURLToPath(new URL('packages', import.meta.url));

/** For vite: the workspace runs on sources, `@minigpt/core` is `packages/core/src`, so no build comes first. */
export const sourceAliases = [
  { find: /^@minigpt\/([^/]+)$/, replacement: `${packages}/$1/src/index.ts` },
  { find: /^@minigpt\/([^/]+)\/(.+)$/, replacement: `${packages}/$1/src/$2.ts` },
];
