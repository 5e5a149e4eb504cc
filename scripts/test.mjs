// Runs every test on the sources and ends with one line: "N passed, N failed, N skipped".
// Arguments go to vitest: `pnpm test rms-norm` runs the files of that name, `pnpm test -t "bit-equal"` the tests.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countsLine, skipLines } from './lib/test-summary.mjs';

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const reporter = fileURLToPath(new URL('lib/summary-reporter.mjs', import.meta.url));
// pnpm hands the `--` of `pnpm test -- ARGS` on.
const given = process.argv.slice(2).filter((argument, i) => i > 0 || argument !== '--');

const run = spawn(
  process.execPath,
  [vitest, 'run', '--reporter=default', `--reporter=${reporter}`, ...given],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: ['inherit', 'inherit', 'inherit', 'ipc'] },
);
// Ctrl-C reaches vitest by itself; this process only has to outlive it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => run.kill('SIGTERM'));

/** @type {import('./lib/test-summary.mjs').TestSummary | undefined} */
let summary;
run.on('message', (/** @type {import('./lib/test-summary.mjs').TestSummary} */ message) => {
  summary = message;
});
run.on('close', (code, signal) => {
  if (!summary) console.log(`\nThe test runner ended without a result (${signal ?? `exit code ${code}`}).`);
  const { passed, failed, skipped } = summary ?? { passed: 0, failed: 1, skipped: [] };
  if (passed + failed === 0) console.log('\nNo test ran.');
  console.log([...skipLines(skipped), countsLine({ passed, failed, skipped })].join('\n'));
  process.exitCode = code || (failed > 0 || passed === 0 ? 1 : 0);
});
