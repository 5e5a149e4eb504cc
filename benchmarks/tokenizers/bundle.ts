/**
 * How large is a bundle that encodes and decodes with a tokenizer.json?
 *
 *   npx tsx benchmarks/tokenizers/bundle.ts
 *
 * Bundles one import of each kind from the sources with esbuild, minified, and compresses it with brotli (quality 11).
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { readFlags } from '../flags.ts';

readFlags(import.meta.url, { options: {} });

// esbuild comes with tsx: it is no dependency of its own.
const fromTsx = createRequire(createRequire(import.meta.url).resolve('tsx/package.json'));
const { build } = fromTsx('esbuild') as {
  build(options: object): Promise<{ outputFiles: { contents: Uint8Array }[] }>;
};
const source = fileURLToPath(new URL('../../packages/tokenizers/src/', import.meta.url));

console.log('| import | minified, bytes | brotli, bytes |\n| --- | --- | --- |');
for (const [file, name] of [
  ['bpe.ts', 'createBpeTokenizer'],
  ['bpe.ts', 'createBpeTokenizer, compilePattern'],
  ['index.ts', 'createTokenizer'],
  ['index.ts', 'loadTokenizer'],
] as const) {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${name} } from '${source}${file}';`, resolveDir: source },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    write: false,
  });
  const { contents } = outputFiles[0]!;
  console.log(`| ${name} | ${contents.length} | ${brotliCompressSync(contents).length} |`);
}
