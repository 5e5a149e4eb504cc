import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { defineConfig, type Plugin } from 'vite';
import { sourceAliases } from '../../source-aliases.ts';

const wasmFile = (name: string) =>
  createRequire(import.meta.url).resolve(`@tensorflow/tfjs-backend-wasm/dist/${name}`);

/** Serves the files of tfjs-backend-wasm from one folder under their own names, as it looks for them. */
const tfjsWasm: Plugin = {
  name: 'tfjs-wasm',
  configureServer({ middlewares }) {
    middlewares.use('/tfjs', (request, response, next) => {
      const [name] = /tfjs-backend-wasm[\w-]*\.wasm$/.exec(request.url ?? '') ?? [];
      if (name === undefined) return next();
      response.setHeader('Content-Type', 'application/wasm');
      createReadStream(wasmFile(name)).pipe(response);
    });
  },
  generateBundle() {
    for (const variant of ['', '-simd', '-threaded-simd']) {
      const name = `tfjs-backend-wasm${variant}.wasm`;
      this.emitFile({ type: 'asset', fileName: `tfjs/${name}`, source: readFileSync(wasmFile(name)) });
    }
  },
};

// Isolates the page, without which a browser gives WebAssembly one thread. Whatever serves `dist` has to send them too.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  server: { headers },
  preview: { headers },
  plugins: [tfjsWasm],
  resolve: { alias: sourceAliases }, // in a project of your own the packages come from npm: leave this out
  worker: { format: 'es' },
  optimizeDeps: {
    // Found late, in the worker, they would have the page reload.
    include: ['cpu', 'wasm', 'webgl', 'webgpu'].map((name) => `@tensorflow/tfjs-backend-${name}`),
  },
  build: { target: 'es2022' },
});
