// Links TensorFlow for CI and for development: `npx tsx scripts/link-tensorflow.mjs [--cuda | --undo]`.
import { parseArgs } from 'node:util';
import { linkTensorFlow, unlinkTensorFlow } from '../packages/backends/src/tensorflow/link.ts';
import { TensorFlowSetupError } from '../packages/backends/src/tensorflow/setup-error.ts';

const { values } = parseArgs({ options: { cuda: { type: 'boolean' }, undo: { type: 'boolean' } } });
try {
  if (values.undo) {
    for (const path of await unlinkTensorFlow()) console.log(`removed ${path}`);
  } else {
    await linkTensorFlow({ cuda: values.cuda, log: console.log });
  }
} catch (error) {
  if (!(error instanceof TensorFlowSetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
