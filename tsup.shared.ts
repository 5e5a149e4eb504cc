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
    external: [/^node:/],
    ...options,
  });
}
