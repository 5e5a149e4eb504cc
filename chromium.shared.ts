import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright';
import { createServer, type Plugin } from 'vite';
import { sourceAliases } from './source-aliases.ts';
import { chromiumFlags, chromiumPath, serveWasm } from './vitest.shared.ts';

/** For the title of a test that is skipped without Chromium. */
export const NEEDS_CHROMIUM = '(needs Chromium: apt-get install chromium)';

export interface ServeOptions {
  /** Whether pages are cross-origin isolated, without which there is no shared memory. */
  readonly isolated?: boolean;
}

/** Headless Chromium, and a server on localhost for its pages. */
export interface ChromiumPages {
  /** A page in which the module has run; all of them have one storage. */
  open(): Promise<Page>;
  close(): Promise<void>;
}

/**
 * Serves pages that run a TypeScript module of this workspace on its sources. What the module puts on `globalThis` can be called
 * by `page.evaluate`.
 */
export async function serveInChromium(
  module: URL,
  { isolated = false }: ServeOptions = {},
): Promise<ChromiumPages> {
  const path = fileURLToPath(module);
  const key = createHash('sha256').update(`${path} ${isolated}`).digest('hex').slice(0, 8);
  const server = await createServer({
    root: fileURLToPath(new URL('.', module)),
    configFile: false,
    appType: 'custom',
    logLevel: 'error',
    cacheDir: fileURLToPath(new URL(`node_modules/.vite-pages/${key}`, import.meta.url)),
    resolve: { alias: sourceAliases },
    plugins: [serveWasm, pageOf(path)],
    optimizeDeps: { entries: [path] },
    server: {
      host: 'localhost',
      port: 0,
      hmr: false,
      watch: null,
      fs: { strict: false },
      headers: isolated
        ? { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' }
        : {},
    },
  });
  await server.listen();
  const browser = await chromium.launch({ executablePath: chromiumPath, args: chromiumFlags });
  const context = await browser.newContext();
  return {
    async open() {
      const page = await context.newPage();
      await page.goto(server.resolvedUrls!.local[0]);
      await page.waitForFunction('globalThis.moduleHasRun', undefined, { polling: 100, timeout: 120_000 });
      return page;
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** An empty page that runs a module. */
function pageOf(path: string): Plugin {
  const html = `<!doctype html>
<title>minigpt</title>
<link rel="icon" href="data:,">
<script type="module">
import '/@fs${path}';
globalThis.moduleHasRun = true;
</script>`;
  return {
    name: 'page-of-a-module',
    configureServer({ config, middlewares }) {
      middlewares.use((request, response, next) => {
        if (request.url !== '/') return next();
        for (const [name, value] of Object.entries(config.server.headers ?? {}))
          response.setHeader(name, String(value));
        response.setHeader('Content-Type', 'text/html').end(html);
      });
    },
  };
}
