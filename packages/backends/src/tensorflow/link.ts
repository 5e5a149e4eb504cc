import { lstatSync, readlinkSync } from 'node:fs';
import { rm, symlink } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildBinding } from './build-binding.ts';
import { installTensorFlow } from './install-tensorflow.ts';
import { probe, type WorkingTensorFlow } from './probe.ts';
import { type SetupStep, TensorFlowSetupError } from './setup-error.ts';
import { hasBinding, installedTfjsNode, type TfjsNodePackage } from './tfjs-node.ts';

export interface LinkTensorFlowOptions {
  /** TensorFlow for NVIDIA GPUs, with the CUDA libraries (about 8 GB), instead of the one for the CPU. Default false. */
  readonly cuda?: boolean;
  /** Folder for TensorFlow and the built bindings. Default `~/.cache/minigpt/tensorflow`, by `XDG_CACHE_HOME` elsewhere. */
  readonly cache?: string;
  /** The Python to install with. Default: the first on the `PATH` of version 3.9 or later. */
  readonly python?: string;
  /** Takes a line when a step begins or ends. Default: silence. */
  readonly log?: (line: string) => void;
  /** Stops the work: what was begun is removed, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A TensorFlow that `@tensorflow/tfjs-node` was seen to compute with. */
export interface LinkedTensorFlow extends WorkingTensorFlow {
  readonly package: string;
  /** `stock`: it loads as npm installed it. `before`: linked by an earlier call. `now`: linked by this one. */
  readonly linked: 'stock' | 'before' | 'now';
}

/**
 * Makes `@tensorflow/tfjs-node` run on a current TensorFlow where its own install step could not: installs the library
 * from the Python package index, compiles the binding against it and puts one link, `lib`, into the package's folder.
 * A product and a gradient are checked in a child process. Linking again costs a second, after a fresh install of the
 * Node packages too.
 *
 * @throws TensorFlowSetupError which step failed and what to do; nothing is linked then
 */
export async function linkTensorFlow(options: LinkTensorFlowOptions = {}): Promise<LinkedTensorFlow> {
  const { cuda = false, cache = defaultCache(), python, log = () => {}, signal } = options;
  const packages = installedTfjsNode();
  /** Why what npm installed does not work, by package. */
  const stock = new Map<TfjsNodePackage, string>();
  for (const tfjsNode of packages.filter((candidate) => hasBinding(candidate) && !isLinked(candidate))) {
    const found = await probe(tfjsNode.folder, signal);
    if (typeof found === 'string') {
      stock.set(tfjsNode, found);
      continue;
    }
    log(`${tfjsNode.name} works as it was installed, so there is nothing to do: ${describe(found)}.`);
    return { ...found, package: tfjsNode.name, linked: 'stock' };
  }
  const tfjsNode = packages.at(-1);
  if (tfjsNode === undefined) {
    throw new TensorFlowSetupError(
      'package',
      'Neither @tensorflow/tfjs-node nor @tensorflow/tfjs-node-gpu is installed; ' +
        'add the first (npm install --ignore-scripts @tensorflow/tfjs-node) and run this again.',
    );
  }
  requireLinux();
  const home = flavourFolder(cache, cuda);
  const size = cuda ? 'about 3 GB' : 'about 270 MB';
  const tensorflow = await timed(
    'install',
    `TensorFlow for ${cuda ? 'CUDA' : 'the CPU'} (unless there, ${size} to download) in ${home}`,
    log,
    () => installTensorFlow(join(home, 'python'), { cuda, python, signal }),
  );
  const versions = `tfjs-node ${tfjsNode.version} to TensorFlow ${tensorflow.version}`;
  const binding = await timed('build', `The binding of ${versions} (unless built)`, log, () =>
    buildBinding(join(home, 'bindings'), tfjsNode, tensorflow, signal),
  );
  const added = await timed('link', `The link in ${tfjsNode.folder}`, log, () =>
    makeLink(tfjsNode, binding, stock.get(tfjsNode)),
  );
  const found = await timed('check', 'A product and a gradient', log, () =>
    probe(tfjsNode.folder, signal).catch(async (reason) => {
      if (added) await removeLink(tfjsNode);
      throw reason;
    }),
  );
  if (typeof found === 'string') {
    await removeLink(tfjsNode);
    throw new TensorFlowSetupError(
      'check',
      `${tfjsNode.name} linked to TensorFlow ${tensorflow.version} does not work (${found}), so the link was removed; ` +
        `remove ${home} and run this again.`,
    );
  }
  log(`${tfjsNode.name} ${added ? 'is linked' : 'was linked already'} and works: ${describe(found)}.`);
  return { ...found, package: tfjsNode.name, linked: added ? 'now' : 'before' };
}

/**
 * Takes back what {@link linkTensorFlow} did: the link in the package's folder, and TensorFlow with the bindings in the
 * cache, which other checkouts on this machine may be linked to.
 *
 * @returns what was removed
 */
export async function unlinkTensorFlow({
  cache = defaultCache(),
}: Pick<LinkTensorFlowOptions, 'cache'> = {}): Promise<string[]> {
  const removed: string[] = [];
  for (const tfjsNode of installedTfjsNode()) {
    if (await removeLink(tfjsNode)) removed.push(linkPath(tfjsNode));
  }
  for (const folder of [flavourFolder(cache, false), flavourFolder(cache, true)]) {
    if (!isPresent(folder)) continue;
    await rm(folder, { recursive: true });
    removed.push(folder);
  }
  return removed;
}

function describe({ version, device }: WorkingTensorFlow): string {
  return `TensorFlow ${version} on the ${device}`;
}

function defaultCache(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'minigpt', 'tensorflow');
}

function flavourFolder(cache: string, cuda: boolean): string {
  return join(resolve(cache), `${cuda ? 'cuda' : 'cpu'}-${process.arch}`);
}

function requireLinux(): void {
  if (process.platform === 'linux') return;
  throw new TensorFlowSetupError(
    'platform',
    `Linking TensorFlow is for Linux, but this is ${process.platform}; use what npm installs there: npm rebuild @tensorflow/tfjs-node.`,
  );
}

/** Says what a step is, then how long it took; what the file system refuses becomes an error of that step. */
async function timed<T>(
  step: SetupStep,
  what: string,
  log: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  log(`${what} …`);
  const start = performance.now();
  try {
    const result = await work();
    log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return result;
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new TensorFlowSetupError(
      step,
      `${what} could not be made: ${error.message}; see to room on the disk and the right to write there, or name another folder with the option cache.`,
      { cause: error },
    );
  }
}

const linkPath = ({ folder }: TfjsNodePackage) => join(folder, 'lib');

function isPresent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Whether the package's `lib` is a link of ours: npm's own install makes a folder. */
function isLinked(tfjsNode: TfjsNodePackage): boolean {
  return lstatSync(linkPath(tfjsNode), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/**
 * @param refusal why what npm installed does not work, if it was complete
 * @returns whether the link was not there before
 */
async function makeLink(
  tfjsNode: TfjsNodePackage,
  binding: string,
  refusal = 'its binding is missing',
): Promise<boolean> {
  const path = linkPath(tfjsNode);
  if (isLinked(tfjsNode)) {
    if (readlinkSync(path) === binding) return false;
    await rm(path);
  } else if (isPresent(path)) {
    throw new TensorFlowSetupError(
      'link',
      `${path} must be free for the link, but npm's install left a TensorFlow there that does not work (${refusal}); ` +
        'remove that folder and run this again.',
    );
  }
  await symlink(binding, path);
  return true;
}

async function removeLink(tfjsNode: TfjsNodePackage): Promise<boolean> {
  if (!isLinked(tfjsNode)) return false;
  await rm(linkPath(tfjsNode));
  return true;
}
