import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The packages that bind TensorFlow to Node, the one for GPUs first. */
const tfjsNodePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** An installed `@tensorflow/tfjs-node` or `@tensorflow/tfjs-node-gpu`; whether it loads is another matter. */
export interface TfjsNodePackage {
  readonly name: (typeof tfjsNodePackages)[number];
  readonly version: string;
  readonly folder: string;
}

const require = createRequire(import.meta.url);

/** The tfjs-node packages that this package resolves, the one for GPUs first. */
export function installedTfjsNode(): TfjsNodePackage[] {
  return tfjsNodePackages.flatMap((name) => {
    const manifest = manifestOf(name);
    if (manifest === undefined) return [];
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    return [{ name, version, folder: dirname(manifest) }];
  });
}

/** Whether the compiled half of the package is there: npm's own, or one that was linked. */
export function hasBinding({ folder }: TfjsNodePackage): boolean {
  return existsSync(join(folder, 'lib', 'napi-v8', 'tfjs_binding.node'));
}

function manifestOf(name: string): string | undefined {
  try {
    return require.resolve(`${name}/package.json`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}
