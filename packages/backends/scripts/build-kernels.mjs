// Compiles assembly/ to src/wasm/kernel-binaries.js, unless that is there and made of the same sources. Called before anything
// runs on sources or is built: after an install, by `pnpm test` and vitest, by the `minigpt` command, by the build.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const sources = new URL('../assembly/', import.meta.url);
const output = new URL('../src/wasm/kernel-binaries.js', import.meta.url);

/** WebAssembly with SIMD, and with relaxed SIMD too, which adds the fused multiply-add. */
const builds = { plain: [], relaxed: ['--enable', 'relaxed-simd'] };
const options = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--noExportMemory', '--sharedMemory', '--maximumMemory', '65536'],
  ...['--enable', 'simd', '--enable', 'threads', '--disableWarning', '112'],
];

/** @returns {Promise<void>} */
export async function buildKernels() {
  const files = Object.fromEntries(
    readdirSync(sources)
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [name, readFileSync(new URL(name, sources), 'utf8')]),
  );
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json');
  const hash = createHash('sha256')
    .update(JSON.stringify([version, options, builds, files]))
    .digest('hex');
  const heading = `// Made of assembly/ by scripts/build-kernels.mjs. ${hash}\n`;
  if (existsSync(output) && readFileSync(output, 'utf8').startsWith(heading)) return;

  const { default: asc } = await import('assemblyscript/asc');
  let text = heading;
  for (const [name, extra] of Object.entries(builds)) {
    /** @type {Uint8Array | undefined} */
    let binary;
    const { error, stderr } = await asc.main(['index.ts', ...options, ...extra, '--outFile', 'out.wasm'], {
      readFile: (/** @type {string} */ path) => files[path] ?? null,
      writeFile: (/** @type {string} */ path, /** @type {Uint8Array} */ contents) => {
        if (path === 'out.wasm') binary = contents;
      },
      listFiles: () => [],
    });
    if (error || binary === undefined) throw new Error(`The kernels do not compile.\n${stderr}`);
    text += `export const ${name} =\n  '${Buffer.from(binary).toString('base64')}';\n`;
  }
  // Written aside and moved there: somebody else may be reading, or building the same.
  const draft = new URL(`kernel-binaries.${process.pid}.tmp`, output);
  writeFileSync(draft, text);
  renameSync(draft, output);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildKernels();
