import { selectBackend } from '@minigpt/backends';
import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { freshFolder } from '../run-folder.ts';
import { runTraining } from '../run-training.ts';
import { addBackendFlag, addTrainingFlags, completeSettings, type GivenSettings } from '../settings.ts';

/**
 * nanoGPT's CPU recipe (4 layers, 4 heads, width 128), with the context, batch and number of steps that each backend trains
 * in about two minutes on two cores.
 */
const whole = { blockSize: 64, batchSize: 12, maxIters: 500 } as const;
const recipes = {
  node: whole,
  webgpu: whole,
  webgl: whole,
  wasm: { blockSize: 32, batchSize: 24, maxIters: 350 },
  cpu: { blockSize: 32, batchSize: 16, maxIters: 250, nLayer: 1, nHead: 2, nEmbd: 32 },
} as const;

export const start = addBackendFlag(new Command('start'))
  .description(
    'The tour: train a small GPT on Moby Dick in about two minutes, plot its loss, and let it write.',
  )
  .option('--out <dir>', 'folder for checkpoint, metrics and loss curve', 'out/moby-dick')
  .option('--json', 'print events as JSON lines; all else goes to standard error')
  .addHelpText('after', '\nExample:\n  minigpt start --backend wasm')
  .action(async ({ backend: wanted, out, json = false }) => {
    const backend = await selectBackend(wanted);
    const defaults = addTrainingFlags(new Command()).opts<GivenSettings>();
    const recipe = recipes[backend.name];
    const settings = completeSettings({
      ...defaults,
      ...recipe,
      learningRate: 4e-3,
      evalInterval: 50,
      out: freshFolder(out),
    });
    await runTraining(settings, { console: createConsole({ json }), backend, sampleLength: 500 });
  });
