// `pnpm check:node-versions [20 22 24]`: links TensorFlow and uses it on other versions of Node, which npm's package `node` carries.
// Takes a minute a version, and downloads what is not there: Node (30 MB each) and, once, TensorFlow.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const minigpt = fileURLToPath(new URL('../packages/cli/bin/minigpt.mjs', import.meta.url));
const given = process.argv.slice(2);
const versions = given.length > 0 ? given : ['20', '22', '24'];
const wrong = versions.find((version) => !/^\d+(\.\d+){0,2}$/.test(version));
if (wrong !== undefined) {
  console.error(`Versions of Node are numbers such as 22 or 24.1.0, but ${wrong} came.`);
  process.exit(1);
}

for (const version of versions) {
  try {
    console.log(check(version));
  } catch (error) {
    const { stderr, message } = /** @type {Error & { stderr?: string }} */ (error);
    console.error(`Node ${version}: ${stderr?.trim() || message}`);
    process.exitCode = 1;
  }
}

/**
 * Links, looks and trains.
 *
 * @param {string} version of Node
 */
function check(version) {
  const folder = mkdtempSync(join(tmpdir(), 'minigpt-node-'));
  /** @param {string[]} args of Node */
  const run = (...args) =>
    execFileSync('npx', ['-y', '-p', `node@${version}`, 'node', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
    });
  try {
    const running = run('--print', 'process.version').trim();
    if (!running.startsWith(`v${version}`)) throw new Error(`npx runs ${running}`);
    const linked = JSON.parse(run(minigpt, 'tensorflow', '--json'));
    const { available, gflops, reason } = JSON.parse(run(minigpt, 'doctor', '--backend', 'node', '--json'));
    if (!available) throw new Error(reason);
    const data = join(folder, 'data.txt');
    writeFileSync(data, 'to be or not to be, that is the question. '.repeat(50));
    const sizes = {
      'n-layer': 1,
      'n-head': 2,
      'n-embd': 16,
      'block-size': 16,
      'batch-size': 4,
      'max-iters': 20,
    };
    const flags = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
    const losses = ['off', 'on'].map((compile) => {
      const own = ['--backend', 'node', '--compile', compile, '--out', join(folder, compile), '--json'];
      const events = run(minigpt, 'train', '--data', data, ...flags, ...own)
        .trim()
        .split('\n');
      const steps = events.map((line) => JSON.parse(line)).filter(({ type }) => type === 'step');
      if (steps.length !== 20 || !(steps[19].loss < steps[0].loss))
        throw new Error('training does not lower the loss');
      return steps[19].loss.toFixed(3);
    });
    return (
      `Node ${running}: TensorFlow ${linked.version} on the ${linked.device}, ${gflops} GFLOP/s; ` +
      `20 steps to a loss of ${losses[0]}, compiled ${losses[1]}`
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
