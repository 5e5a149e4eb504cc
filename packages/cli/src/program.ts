import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { chat } from './commands/chat.ts';
import { convert } from './commands/convert.ts';
import { data } from './commands/data.ts';
import { decode } from './commands/decode.ts';
import { doctor } from './commands/doctor.ts';
import { encode } from './commands/encode.ts';
import { evaluation } from './commands/eval.ts';
import { inspect } from './commands/inspect.ts';
import { logits } from './commands/logits.ts';
import { sample } from './commands/sample.ts';
import { start } from './commands/start.ts';
import { tensorflow } from './commands/tensorflow.ts';
import { tokenizer } from './commands/tokenizer.ts';
import { train } from './commands/train.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** The command line: `program.parseAsync(process.argv)` runs it. */
export const program = new Command('minigpt')
  .description('Train, sample, evaluate, inspect and convert GPT-style language models.')
  .version(version)
  .addHelpText(
    'after',
    `
Examples:
  minigpt start
  minigpt train --data shakespeare.txt --out out/shakespeare
  minigpt sample --model out/shakespeare --prompt "ROMEO:" --temperature 0.8
  minigpt eval --model out/shakespeare --data held-out.txt`,
  )
  .showHelpAfterError('(see --help)')
  // commander would exit with 1, which is for bad input here.
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));

for (const command of [
  start,
  train,
  sample,
  chat,
  evaluation,
  encode,
  decode,
  inspect,
  logits,
  convert,
  tokenizer,
  data,
  tensorflow,
  doctor,
]) {
  program.addCommand(inheriting(command, program));
}

/** The command and those below it, with their parent's settings: the help after a mistake, and the exit code of one. */
function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inheriting(child, command);
  return command;
}
