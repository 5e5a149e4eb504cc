import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import type { TensorFlowLibrary } from './install-tensorflow.ts';
import { makeOnce } from './make-once.ts';
import { runProgram } from './run-program.ts';
import { TensorFlowSetupError } from './setup-error.ts';
import { signalGuardLinkerOption, signalGuardSource } from './signal-guard.ts';
import type { TfjsNodePackage } from './tfjs-node.ts';

/** The version of Node's binary interface; node-pre-gyp looks for the binding in a folder of this name. */
const napi = 8;

const require = createRequire(import.meta.url);

/**
 * Compiles tfjs-node's binding against a TensorFlow library, unless that was done before: about 5 s, without node-gyp,
 * since two files and the linker's path to the library are all there is to it.
 *
 * @param folder where the bindings of this library are kept
 * @returns the folder to be found as `lib` in the package
 * @throws TensorFlowSetupError when there is no compiler, or it refuses
 */
export async function buildBinding(
  folder: string,
  tfjsNode: TfjsNodePackage,
  tensorflow: TensorFlowLibrary,
  signal?: AbortSignal,
): Promise<string> {
  const { include_dir: nodeHeaders } = require('node-api-headers') as { readonly include_dir: string };
  const guard = createHash('sha256').update(signalGuardSource).digest('hex').slice(0, 8);
  const target = join(folder, `tfjs-node-${tfjsNode.version}-tensorflow-${tensorflow.version}-${guard}`);
  await makeOnce(target, async (partial) => {
    const output = join(partial, `napi-v${napi}`);
    const guardFile = join(partial, 'signal-guard.cc');
    await mkdir(output);
    await writeFile(guardFile, signalGuardSource);
    const args = [
      ...['-std=c++17', '-O2', '-fPIC', '-shared', `-DNAPI_VERSION=${napi}`],
      ...['-I', nodeHeaders, '-I', join(tensorflow.folder, 'include')],
      ...[
        guardFile,
        ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((name) => join(tfjsNode.folder, 'binding', name)),
      ],
      ...['-o', join(output, 'tfjs_binding.node'), signalGuardLinkerOption],
      ...['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'].map((name) =>
        join(tensorflow.folder, name),
      ),
      `-Wl,-rpath,$ORIGIN/${relative(output, tensorflow.folder)}`,
    ];
    await compile(args, signal);
    await rm(guardFile);
  });
  return target;
}

async function compile(args: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const compiler = process.env.CXX ?? 'c++';
  const compiled = await runProgram(compiler, args, { signal });
  if (compiled.ok) return;
  if (compiled.ending === 'ENOENT') {
    throw new TensorFlowSetupError(
      'build',
      `Linking TensorFlow needs a C++ compiler, but there is no ${compiler}; install one (Debian, Ubuntu: apt install g++) ` +
        'or name one in the environment variable CXX.',
    );
  }
  const complaint = compiled.stderr.split('\n').find((line) => /error|No space left/.test(line));
  throw new TensorFlowSetupError(
    'build',
    `${compiler} could not build the binding of @tensorflow/tfjs-node: ${complaint ?? compiled.ending}; ` +
      'a C++17 compiler (g++ 8 or clang 7 and later) and room on the disk are needed.',
  );
}
