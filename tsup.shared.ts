import { defineConfig, type Options } from 'tsup';

/** The one build configuration of every package: ESM and types; what package.json declares stays an import. */
export function packageBuild(options: Options = {}) {
  return defineConfig({
    entry: ['src/index.ts'],
    format: ['esm'],
    target: 'es2022',
    platform: 'neutral',
    dts: true,
    sourcemap: true,
    clean: true,
    treeshake: true,
    tsconfig: 'tsconfig.build.json',
    // 'node:fs' stays so: Deno and bundlers know it from a package called fs by the prefix.
    removeNodeProtocol: false,
    external: [/^node:/],
    ...options,
  });
}
