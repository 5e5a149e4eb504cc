import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { linkTensorFlow, unlinkTensorFlow } from './link.ts';
import * as packages from './tfjs-node.ts';

vi.mock('./tfjs-node.ts', { spy: true });

/** A Python whose pip installs empty libraries, or says what `pip-fails` holds; it writes down its calls. */
const python = `#!/bin/sh
here=$(dirname "$0")
case "$1 $2" in
  "-c "*) echo 3.11 ;;
  "-m venv") echo venv >> CALLS; mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip")
    echo "pip $*" >> CALLS
    if [ -e PIP_FAILS ]; then cat PIP_FAILS >&2; exit 1; fi
    packages="$here/../lib/python3.11/site-packages"
    mkdir -p "$packages/tensorflow" "$packages/tensorflow_cpu-2.21.0.dist-info"
    touch "$packages/tensorflow/libtensorflow_cc.so.2" ;;
esac
`;

/** A compiler that copies SOURCE to where its output is expected. */
const compiler = `#!/bin/sh
echo compile >> CALLS
while [ "$1" != -o ]; do shift; done
cp SOURCE "$2"
`;

/** A tfjs-node that gives the answers which its binding holds, as JavaScript. */
const tfjsNode = `
const { readFileSync } = require('node:fs');
const answers = eval(readFileSync(__dirname + '/lib/napi-v8/tfjs_binding.node', 'utf8'));
const tensor = (values) => ({ dataSync: () => values });
module.exports = {
  tensor2d: tensor, sum: (x) => x, matMul: () => tensor(answers.product), grad: () => () => tensor(answers.gradient),
  backend: () => ({ binding: { TF_Version: '2.21.0' }, isUsingGpuDevice: false }),
};
`;
const right = '({ product: [19, 22, 43, 50], gradient: [11, 15, 11, 15] })';

describe.skipIf(process.platform !== 'linux')('linkTensorFlow', () => {
  let root: string;
  let options: { cache: string; python: string };
  const at = (...names: string[]) => join(root, ...names);
  const calls = () => (existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trim().split('\n') : []);
  const script = (name: string, text: string) => {
    const own = text.replaceAll('CALLS', at('calls')).replaceAll('PIP_FAILS', at('pip-fails'));
    writeFileSync(at(name), own.replaceAll('SOURCE', at('binding')), { mode: 0o755 });
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'minigpt-link-'));
    options = { cache: at('cache'), python: at('python') };
    script('python', python);
    script('compiler', compiler);
    vi.stubEnv('CXX', at('compiler'));
    writeFileSync(at('binding'), right);
    mkdirSync(at('tfjs-node'));
    writeFileSync(at('tfjs-node', 'index.js'), tfjsNode);
    vi.mocked(packages.installedTfjsNode).mockReturnValue([
      { name: '@tensorflow/tfjs-node', version: '4.22.0', folder: at('tfjs-node') },
    ]);
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });

  it('installs, builds, links and checks once; a fresh install of the package costs a link', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    expect(await linkTensorFlow({ ...options, log })).toEqual({
      package: '@tensorflow/tfjs-node',
      version: '2.21.0',
      device: 'CPU',
      linked: 'now',
    });
    expect(calls().map((call) => call.split(' ')[0])).toEqual(['venv', 'pip', 'compile']);
    expect(lines.at(-1)).toBe('@tensorflow/tfjs-node is linked and works: TensorFlow 2.21.0 on the CPU.');

    expect(await linkTensorFlow({ ...options, log })).toMatchObject({ linked: 'before' });
    expect(lines.at(-1)).toMatch(/was linked already and works/);

    rmSync(at('tfjs-node', 'lib'));
    expect(await linkTensorFlow(options)).toMatchObject({ linked: 'now' });
    expect(calls()).toHaveLength(3);
  });

  it('takes everything back', async () => {
    await linkTensorFlow(options);
    const home = at('cache', `cpu-${process.arch}`);
    expect(await unlinkTensorFlow(options)).toEqual([at('tfjs-node', 'lib'), home]);
    expect([at('tfjs-node', 'lib'), home].map(existsSync)).toEqual([false, false]);
    expect(await unlinkTensorFlow(options)).toEqual([]);
  });

  it('asks pip for the CUDA libraries only when they are wanted', async () => {
    await linkTensorFlow(options);
    await linkTensorFlow({ ...options, cuda: true });
    const [cpu, cuda] = calls().filter((call) => call.startsWith('pip'));
    expect(cpu).toMatch(/--no-deps tensorflow-cpu>=/);
    expect(cuda).toMatch(/:all: tensorflow\[and-cuda\]>=/);
  });

  it('leaves an installation alone that works by itself', async () => {
    mkdirSync(at('tfjs-node', 'lib', 'napi-v8'), { recursive: true });
    writeFileSync(at('tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node'), right);
    expect(await linkTensorFlow(options)).toMatchObject({ linked: 'stock', version: '2.21.0' });
    expect(calls()).toEqual([]);
    expect(existsSync(at('cache'))).toBe(false);
  });

  /** The step fails with this message, and neither a link nor half an installation is left. */
  async function expectFailure(step: string, message: RegExp): Promise<void> {
    await expect(linkTensorFlow(options)).rejects.toMatchObject({
      name: 'TensorFlowSetupError',
      step,
      message: expect.stringMatching(message),
    });
    expect(existsSync(at('tfjs-node', 'lib', 'napi-v8'))).toBe(false);
    const home = at('cache', `cpu-${process.arch}`);
    if (step === 'install' || step === 'python') expect(readdirSync(home)).toEqual([]);
    if (step === 'build') expect(readdirSync(join(home, 'bindings'))).toEqual([]);
  }

  it.each([
    [
      'NewConnectionError: Temporary failure in name resolution\nERROR: No matching distribution',
      /index cannot be reached/,
    ],
    [
      'ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device',
      /the disk is full/,
    ],
    ['ERROR: No matching distribution found for tensorflow-cpu', /use Python 3\.9 to 3\.13/],
    ['ERROR: something else', /pip could not install TensorFlow: ERROR: something else\./],
  ])('says in a sentence that pip failed with %j', async (said, message) => {
    writeFileSync(at('pip-fails'), said);
    await expectFailure('install', message);
    rmSync(at('pip-fails'));
    expect(await linkTensorFlow(options)).toMatchObject({ linked: 'now' });
  });

  it('removes what a killed installation left', async () => {
    const abandoned = at('cache', `cpu-${process.arch}`, 'python.partial-4194305');
    mkdirSync(abandoned, { recursive: true });
    await linkTensorFlow(options);
    expect(existsSync(abandoned)).toBe(false);
  });

  it('says that there is no Python, or an old one', async () => {
    rmSync(at('python'));
    await expectFailure('python', /needs Python 3\.9 or later with its venv module, but .* does not exist/);
    script('python', '#!/bin/sh\necho 3.8\n');
    await expectFailure('python', /python is 3\.8/);
    script('python', '#!/bin/sh\necho "ModuleNotFoundError: No module named \'ensurepip\'" >&2\nexit 1\n');
    await expectFailure('python', /No module named 'ensurepip'.*apt install python3 python3-venv/);
  });

  it('says that there is no compiler, or what it did not like', async () => {
    rmSync(at('compiler'));
    await expectFailure('build', /there is no .*compiler; install one/);
    script('compiler', '#!/bin/sh\necho "x.cc:1: error: no" >&2\nexit 1\n');
    await expectFailure('build', /could not build .*: x\.cc:1: error: no;/);
  });

  it.each([
    ['({ product: [0, 22, 43, 50], gradient: [11, 15, 11, 15] })', /a product came out as 0,22,43,50/],
    ['({ product: [19, 22, 43, 50], gradient: [0, 15, 11, 15] })', /a gradient came out as 0,15,11,15/],
    ["process.kill(process.pid, 'SIGSEGV')", /it ended with SIGSEGV/],
    ["throw new Error('undefined symbol: TFE_Execute')", /Error: undefined symbol: TFE_Execute/],
  ])('removes the link again when the check finds %s', async (binding, message) => {
    writeFileSync(at('binding'), binding);
    await expectFailure('check', message);
  });

  it('does not touch a folder that is in the way', async () => {
    mkdirSync(at('tfjs-node', 'lib'));
    await expectFailure('link', /must be free for the link, .* \(its binding is missing\)/);
    expect(existsSync(at('tfjs-node', 'lib'))).toBe(true);
  });

  it('says what is wrong with what npm installed, and leaves it', async () => {
    mkdirSync(at('tfjs-node', 'lib', 'napi-v8'), { recursive: true });
    const stock = at('tfjs-node', 'lib', 'napi-v8', 'tfjs_binding.node');
    writeFileSync(stock, "throw new Error('libtensorflow.so.2: cannot open shared object file')");
    await expect(linkTensorFlow(options)).rejects.toMatchObject({
      step: 'link',
      message: expect.stringMatching(
        /does not work \(Error: libtensorflow\.so\.2: cannot open .*remove that folder/,
      ),
    });
    expect(existsSync(stock)).toBe(true);
  });

  it.each(['venv', 'pip'])('stops in %s when it is told to, and leaves nothing', async (step) => {
    const calling = step === 'venv' ? '"-m venv")' : '"-m pip")';
    script(
      'python',
      python.replace(calling, `${calling} echo waiting >> CALLS; exec sleep 60 ;;\n  ${calling}`),
    );
    const stopping = new AbortController();
    const linking = linkTensorFlow({ ...options, signal: stopping.signal });
    await vi.waitUntil(() => calls().includes('waiting'), { timeout: 10_000 });
    stopping.abort(new Error('enough'));
    await expect(linking).rejects.toThrow('enough');
    expect(readdirSync(at('cache', `cpu-${process.arch}`))).toEqual([]);
    expect(existsSync(at('tfjs-node', 'lib'))).toBe(false);
  });

  it('says that the cache cannot be written', async () => {
    writeFileSync(at('cache'), 'a file where a folder should be');
    await expect(linkTensorFlow(options)).rejects.toMatchObject({
      step: 'install',
      message: expect.stringMatching(/could not be made: .*option cache/),
    });
  });

  it('says how to get the package', async () => {
    vi.mocked(packages.installedTfjsNode).mockReturnValue([]);
    await expectFailure('package', /npm install --ignore-scripts @tensorflow\/tfjs-node/);
  });
});
