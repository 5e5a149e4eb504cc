import { type ProgressLine, progressLine } from '@minigpt/report/node';
import pc from 'picocolors';

/** Where a command writes: people's lines and, with `--json`, one JSON value a line on standard output. */
export interface Console {
  readonly json: boolean;
  /** A line for a person. */
  say(line?: string): void;
  /** Text as it comes, without a line break: a sample that is being drawn. */
  stream(text: string): void;
  /** A value for a program; nothing without `--json`. */
  emit(value: unknown): void;
  /** A line that the next one replaces, where the output is a terminal; else a plain line every few seconds. */
  readonly progress: ProgressLine;
}

/** With `--json`, what people read goes to standard error. */
export function createConsole({ json }: { readonly json: boolean }): Console {
  const people = json ? process.stderr : process.stdout;
  const progress = progressLine(people);
  return {
    json,
    say(line = '') {
      progress.done();
      people.write(`${line}\n`);
    },
    stream(text) {
      progress.done();
      people.write(text);
    },
    emit(value) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
    },
    progress,
  };
}

/** How a person calls this program from where it was called: inside the workspace through pnpm. */
export const PROGRAM = process.env.npm_config_user_agent?.startsWith('pnpm/') ? 'pnpm minigpt' : 'minigpt';

/** `label  value`, aligned below each other. */
export function field(label: string, value: string): string {
  return `  ${pc.dim(label.padEnd(11))} ${value}`;
}
