import { type Command, Option } from 'commander';
import { integer, nonNegative, positiveInteger } from './parse.ts';

/** The flags of a command that draws tokens. */
export function addSamplingFlags(
  command: Command,
  { temperature }: { readonly temperature: number },
): Command {
  return command
    .option(
      '--temperature <t>',
      '0 always takes the likeliest token; 1 draws as the model says',
      nonNegative,
      temperature,
    )
    .option('--top-k <n>', 'draw among the n likeliest tokens only', positiveInteger)
    .option(
      '--top-p <p>',
      'draw among the likeliest tokens that hold this share of the probability',
      nonNegative,
    )
    .option('--seed <n>', 'of the draws', integer, 1337)
    .addOption(
      new Option(
        '--compile <mode>',
        'each token as one program of the backend; auto where it can and it pays',
      )
        .choices(['auto', 'on', 'off'])
        .default('auto'),
    );
}
