import { linkTensorFlow, unlinkTensorFlow } from '@minigpt/backends/node';
import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { InterruptedError } from '../errors.ts';
import { interruptSignal } from '../interrupt.ts';

export const tensorflow = new Command('tensorflow')
  .description(
    'Set TensorFlow up for Node: get the library, build and link its binding, check a product and a gradient.',
  )
  .option('--cuda', 'the TensorFlow for NVIDIA GPUs')
  .option('--undo', 'remove the link and what was downloaded')
  .option('--python <path>', 'the Python to install with (default: the first on the PATH, 3.9 or later)')
  .option('--cache <dir>', 'folder for TensorFlow and the bindings (default: ~/.cache/minigpt/tensorflow)')
  .option('--json', 'print one JSON object; all else goes to standard error')
  .addHelpText('after', '\nExamples:\n  minigpt tensorflow\n  minigpt tensorflow --undo')
  .action(async ({ undo = false, json = false, ...options }) => {
    const console = createConsole({ json });
    if (undo) {
      const removed = await unlinkTensorFlow(options);
      for (const path of removed) console.say(`Removed ${path}`);
      if (removed.length === 0) console.say('There is nothing to undo.');
      return console.emit({ removed });
    }
    const signal = interruptSignal(() => console.say('Stopping …'));
    try {
      console.emit(await linkTensorFlow({ ...options, signal, log: (line) => console.say(line) }));
    } catch (error) {
      if (error !== signal.reason) throw error;
      throw new InterruptedError(
        'Interrupted: what was begun is removed, what was finished is kept; run it again to go on.',
      );
    }
  });
