import { runProgram } from './run-program.ts';

/** What a TensorFlow that works says of itself. */
export interface WorkingTensorFlow {
  readonly version: string;
  readonly device: 'CPU' | 'GPU';
}

/** Runs in a process of its own: a library that does not fit ends the process that loads it. */
const program = (folder: string) => `
  const util = require('node:util');
  util.isNullOrUndefined = (value) => value == null;
  const tf = require(${JSON.stringify(folder)});
  const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
  const b = tf.tensor2d([5, 6, 7, 8], [2, 2]);
  console.log(JSON.stringify({
    version: tf.backend().binding.TF_Version,
    device: tf.backend().isUsingGpuDevice ? 'GPU' : 'CPU',
    product: Array.from(tf.matMul(a, b).dataSync()),
    gradient: Array.from(tf.grad((x) => tf.sum(tf.matMul(x, b)))(a).dataSync()),
  }));`;

/**
 * Loads a tfjs-node package in a child process, multiplies two matrices and derives the sum of the product.
 *
 * @returns what works, or the reason why it does not, in one line
 */
export async function probe(folder: string, signal?: AbortSignal): Promise<WorkingTensorFlow | string> {
  const env = { ...process.env, NODE_OPTIONS: '', TF_CPP_MIN_LOG_LEVEL: '2' };
  const ran = await runProgram(process.execPath, ['-e', program(folder)], { env, timeout: 120_000, signal });
  if (!ran.ok) return /^(?:\w*Error: .*)$/m.exec(ran.stderr)?.[0] ?? `it ended with ${ran.ending}`;
  const { version, device, product, gradient } = JSON.parse(ran.stdout.trim().split('\n').at(-1)!);
  if (String(product) !== '19,22,43,50') return `a product came out as ${product} instead of 19,22,43,50`;
  if (String(gradient) !== '11,15,11,15') return `a gradient came out as ${gradient} instead of 11,15,11,15`;
  return { version, device };
}
