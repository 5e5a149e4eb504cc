// What a library package adds to a bundle, in bytes after minification and Brotli: whole, and by one import. Our own
// packages that it needs are counted, tfjs is not. The limits are the sizes measured plus a tenth.
import { readFileSync } from 'node:fs';

/** @type {Record<string, { whole: number, one: [name: string, limit: number] }>} */
const limits = JSON.parse(readFileSync(new URL('size-limits.json', import.meta.url), 'utf8'));

export default Object.entries(limits).flatMap(([folder, { whole, one }]) => {
  const [name, limit] = one;
  const common = {
    path: `packages/${folder}/dist/index.js`,
    ignore: ['@tensorflow/*', 'vitest', 'node:*'],
    /** @param {object} config esbuild's */
    modifyEsbuildConfig: (config) => ({ ...config, format: 'esm' }),
  };
  return [
    { ...common, name: `@minigpt/${folder}`, limit: `${whole} B` },
    { ...common, name: `{ ${name} } of @minigpt/${folder}`, import: `{ ${name} }`, limit: `${limit} B` },
  ];
});
