import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  type BackendName,
  BackendUnavailableError,
  backendNames,
  type StartedBackend,
  selectBackend,
} from '@minigpt/backends';
import { Command, Option } from 'commander';
import pc from 'picocolors';
import { type Console, createConsole, field } from '../console.ts';
import { productSpeed } from '../speed.ts';

/** What the doctor found out about a backend. */
type Finding = { readonly backend: BackendName } & (
  | ({ readonly available: true; readonly gflops: number } & Pick<
      StartedBackend,
      'description' | 'version' | 'threads'
    >)
  | { readonly available: false; readonly reason: string }
);

export const doctor = new Command('doctor')
  .description(
    'Show for every backend whether it runs here: with what and how fast, or why not and what helps.',
  )
  .addOption(new Option('--backend <name>', 'look at one only').choices(backendNames))
  .option('--json', 'print one JSON object a backend; all else goes to standard error')
  .addHelpText(
    'after',
    `
The speed is that of a product of two matrices, taken in a second: good for comparing orders of magnitude.
Exit code 0 if a backend works.

Examples:
  minigpt doctor
  minigpt doctor --backend node --json`,
  )
  .action(async ({ backend, json = false }: { backend?: BackendName; json?: boolean }) => {
    const console = createConsole({ json });
    let works = false;
    for (const name of backend === undefined ? backendNames : [backend]) {
      const finding = backend === undefined ? await examineApart(name) : await examine(name);
      console.emit(finding);
      tell(console, finding);
      works ||= finding.available;
    }
    if (!works) process.exitCode = 1;
  });

async function examine(backend: BackendName): Promise<Finding> {
  try {
    const { description, version, threads } = await selectBackend(backend);
    const gflops = Number((await productSpeed()).toPrecision(3));
    return { backend, available: true, description, version, threads, gflops };
  } catch (error) {
    if (!(error instanceof BackendUnavailableError)) throw error;
    return { backend, available: false, reason: error.message };
  }
}

/** Looks at a backend in a process of its own: a library or driver that does not fit may end the process that loads it. */
async function examineApart(backend: BackendName): Promise<Finding> {
  const args = [...process.execArgv, process.argv[1], 'doctor', '--backend', backend, '--json'];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 120_000 });
    return JSON.parse(stdout);
  } catch (error) {
    const { stdout, stderr, code, signal } = error as Record<
      'stdout' | 'stderr' | 'code' | 'signal',
      unknown
    >;
    if (typeof stdout === 'string' && stdout.startsWith('{')) return JSON.parse(stdout); // exit code 1: unavailable
    const last = String(stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    return { backend, available: false, reason: `it ended with ${signal ?? code}: ${last}` };
  }
}

function tell(console: Console, finding: Finding): void {
  const { backend } = finding;
  if (!finding.available) {
    console.say(`${pc.red('✗')} ${pc.bold(backend)}`);
    console.say(field('', finding.reason));
    return;
  }
  console.say(`${pc.green('✓')} ${pc.bold(backend)}`);
  console.say(field('device', finding.description));
  console.say(field('library', finding.version));
  if (finding.threads !== undefined) console.say(field('threads', String(finding.threads)));
  console.say(field('speed', `${finding.gflops} GFLOP/s`));
}
