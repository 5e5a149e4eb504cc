// Packs every public package as npm would get it, and checks the archives: publint, attw, and that nothing of anybody
// else's was bundled. Needs a build; `pnpm check:packed` makes it.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { foreignSources } from './lib/foreign-sources.mjs';
import { workspacePackages } from './lib/workspace.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const execute = promisify(execFile);
const archives = mkdtempSync(join(tmpdir(), 'minigpt-packed-'));
let failures = 0;

try {
  for (const { folder, directory, manifest } of workspacePackages(root)) {
    if (manifest.private) continue;
    if (!existsSync(join(directory, 'dist/index.js'))) {
      console.error(`packages/${folder}: there is no build; run pnpm check:packed, which makes one.`);
      failures++;
      continue;
    }
    const { stdout } = await execute('pnpm', ['pack', '--json', '--pack-destination', archives], {
      cwd: directory,
    });
    const archive = JSON.parse(stdout).filename;
    const problems = [
      ...(await publishProblems(archive)),
      ...(await typesProblems(archive)),
      ...bundledProblems(directory),
    ];
    for (const problem of problems) console.error(`packages/${folder}: ${problem}`);
    if (problems.length === 0) console.log(`packages/${folder}: ok`);
    failures += problems.length;
  }
} finally {
  rmSync(archives, { recursive: true });
}
process.exitCode = failures > 0 ? 1 : 0;

/** @param {string} archive @returns {Promise<string[]>} */
async function publishProblems(archive) {
  const bytes = readFileSync(archive);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, level: 'warning', strict: true });
  return messages.map(
    (message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
}

/** Whether TypeScript finds the types of each entry, as an ESM-only package. @param {string} archive @returns {Promise<string[]>} */
async function typesProblems(archive) {
  try {
    await execute('attw', [archive, '--profile', 'esm-only', '--format', 'table-flipped', '--no-color']);
    return [];
  } catch (error) {
    return [`attw: ${/** @type {{ stdout?: string }} */ (error).stdout || error}`];
  }
}

/** @param {string} directory @returns {string[]} */
function bundledProblems(directory) {
  const dist = join(directory, 'dist');
  const maps = readdirSync(dist).filter((file) => file.endsWith('.js.map'));
  if (maps.length === 0) return ['dist has no source map to tell what was bundled.'];
  return maps.flatMap((file) =>
    foreignSources(JSON.parse(readFileSync(join(dist, file), 'utf8'))).map(
      (source) => `dist/${file.slice(0, -'.map'.length)} contains ${source}: declare it in package.json.`,
    ),
  );
}
