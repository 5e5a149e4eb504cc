import { fileURLToPath } from 'node:url';
import { workspacePackages } from './scripts/lib/workspace.mjs';

const root = fileURLToPath(new URL('.', import.meta.url));

/** One program over the sources of all packages, one page a public entry: twelve programs took six times as long. */
export default {
  name: 'minigpt',
  entryPoints: workspacePackages(root).flatMap(({ folder, manifest }) =>
    Object.keys(manifest.exports ?? {}).map(
      (path) => `packages/${folder}/src/${path === '.' ? 'index' : path.slice('./'.length)}.ts`,
    ),
  ),
  plugin: ['./scripts/lib/typedoc-package-names.mjs'],
  tsconfig: 'tsconfig.json',
  out: 'docs/api',
  readme: 'none',
  // There is no public address of the sources to link to yet.
  disableSources: true,
  excludeExternals: true,
  excludePrivate: true,
  treatWarningsAsErrors: true,
};
