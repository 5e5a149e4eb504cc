import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const benchmark = fileURLToPath(new URL('../benchmarks/tokenizers/bundle.ts', import.meta.url));
const run = (flag: string) =>
  spawnSync(process.execPath, ['--import', 'tsx', benchmark, flag], { encoding: 'utf8' });

it('a benchmark tells its heading with --help, and in a sentence what is wrong with a flag', () => {
  const help = run('--help');
  expect(help.stdout).toMatch(
    /^How large is a bundle .*\n\n {2}npx tsx benchmarks\/tokenizers\/bundle\.ts\n/,
  );
  expect(help.status).toBe(0);
  const wrong = run('--halp');
  expect(wrong.stderr).toBe("Unknown option '--halp' (see --help).\n");
  expect(wrong.status).toBe(2);
});
