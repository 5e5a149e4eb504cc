import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { configDefaults, defineConfig, type Plugin, type ViteUserConfig } from 'vitest/config';
import { packages, sourceAliases } from './source-aliases.ts';

const kernels = fileURLToPath(new URL('packages/backends/scripts/vitest-setup.mjs', import.meta.url));

/** Debian's Chromium, with WebGL and WebGPU computed in software where there is no graphics card. */
export const chromiumPath = '/usr/bin/chromium';
export const chromiumFlags = [
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
];

/** Chromium's software driver serves WebGPU in Node too. */
export const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';

/**
 * The tests of a package or of the workspace. `*.browser.test.ts` run in headless Chromium; on a machine without it they
 * are loaded in Node, where the backends that they ask for cannot be started, so that they count as skipped.
 */
export function testConfig({ include = ['src/**/*.test.ts'], ...test }: ViteUserConfig['test'] = {}) {
  const browserTests = include.map((pattern) => pattern.replace('.test.ts', '.browser.test.ts'));
  const inBrowser = existsSync(chromiumPath);
  return defineConfig({
    resolve: { alias: sourceAliases },
    test: {
      testTimeout: 30_000,
      globalSetup: [kernels],
      ...test,
      projects: [
        {
          extends: true,
          test: {
            name: 'node',
            include,
            exclude: [...configDefaults.exclude, ...(inBrowser ? browserTests : [])],
            // Colours are off in what the tests start, also where CI would have them on.
            env: { NO_COLOR: '1', ...(existsSync(softwareVulkan) && { VK_ICD_FILENAMES: softwareVulkan }) },
          },
        },
        ...(inBrowser
          ? [{ extends: true as const, plugins: [serveWasm], test: inChromium(browserTests) }]
          : []),
      ],
    },
  });
}

/** tfjs looks for its WebAssembly beside the script that loads it, wherever vite has put that. */
export const serveWasm: Plugin = {
  name: 'serve-tfjs-wasm',
  configureServer({ middlewares }) {
    const folder = join(packages, 'backends/node_modules/@tensorflow/tfjs-backend-wasm/dist');
    middlewares.use((request, response, next) => {
      const [file] = /tfjs-backend-wasm[\w-]*\.wasm/.exec(request.url ?? '') ?? [];
      if (file === undefined) return next();
      response.setHeader('Content-Type', 'application/wasm');
      createReadStream(join(folder, file)).pipe(response);
    });
  },
};

function inChromium(include: string[]): NonNullable<ViteUserConfig['test']> {
  return {
    name: 'chromium',
    include,
    testTimeout: 120_000,
    fileParallelism: false,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions: { executablePath: chromiumPath, args: chromiumFlags } }),
      instances: [{ browser: 'chromium' }],
    },
  };
}
