import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{
 *   name: string, version: string, private?: boolean, type?: string, license?: string, description?: string,
 *   sideEffects?: boolean | string[], files?: string[], engines?: { node?: string }, publishConfig?: { access?: string },
 *   exports?: Record<string, { types?: string, default?: string }>, scripts?: Record<string, string>,
 *   dependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   devDependencies?: Record<string, string>,
 * }} Manifest
 * @typedef {{ folder: string, directory: string, manifest: Manifest }} WorkspacePackage
 */

/**
 * The packages under `packages/`, in the order of their names.
 *
 * @param {string} root
 * @returns {WorkspacePackage[]}
 */
export function workspacePackages(root) {
  const packages = join(root, 'packages');
  return readdirSync(packages, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name: folder }) => {
      const directory = join(packages, folder);
      return {
        folder,
        directory,
        manifest: JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')),
      };
    })
    .sort((a, b) => a.folder.localeCompare(b.folder));
}
