import { loadCheckpoint } from '@minigpt/checkpoints/node';
import { Command } from 'commander';
import { createConsole } from '../console.ts';
import { runFolder } from '../run-folder.ts';
import { runTraining } from '../run-training.ts';
import { addTrainingFlags, completeSettings, type GivenSettings, type RunSettings } from '../settings.ts';

interface Flags extends GivenSettings {
  readonly resume?: boolean;
  readonly json?: boolean;
}

export const train = addTrainingFlags(new Command('train'))
  .description(
    "Train a language model on a text. The defaults are nanoGPT's CPU recipe on Moby Dick, by characters.",
  )
  .option('--resume', 'go on with the run in --out; its settings hold, but for flags given now')
  .optionsGroup('Other:')
  .option('--json', 'print events as JSON lines; all else goes to standard error')
  .addHelpText(
    'after',
    `
Examples:
  minigpt train --data shakespeare.txt --out out/shakespeare
  minigpt train --data shakespeare.txt --n-layer 6 --n-head 6 --n-embd 384 --block-size 256 --dropout 0.2
  minigpt train --resume --out out/shakespeare --max-iters 4000
  minigpt train --model bigram --tokenizer word --json > events.jsonl`,
  )
  .action(async ({ resume = false, json = false, ...given }: Flags, command: Command) => {
    const console = createConsole({ json });
    const settings = resume ? await resumedSettings(given, command) : completeSettings(given);
    await runTraining(settings, { console, resume });
  });

/** The settings that the run was begun with, changed by the flags that were given now. */
async function resumedSettings(flags: GivenSettings, command: Command): Promise<RunSettings> {
  const { training } = await loadCheckpoint(runFolder(flags.out).checkpoint, { optimizer: false });
  const begun = (training as { settings?: RunSettings } | undefined)?.settings;
  const given = Object.entries(flags).filter(([name]) => command.getOptionValueSource(name) === 'cli');
  return completeSettings({ ...flags, ...begun, ...Object.fromEntries(given) });
}
