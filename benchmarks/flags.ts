import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * The flags of a benchmark. `--help` prints the comment that its file begins with; a wrong flag ends it with a sentence.
 *
 * @param script the benchmark's `import.meta.url`
 */
export function readFlags<T extends ParseArgsConfig>(
  script: string,
  config: T,
): ReturnType<typeof parseArgs<T>> {
  const { values, ...rest } = parsed({
    ...config,
    options: { ...config.options, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(headingOf(fileURLToPath(script)));
    process.exit(0);
  }
  return { values, ...rest } as ReturnType<typeof parseArgs<T>>;
}

function parsed(config: ParseArgsConfig): ReturnType<typeof parseArgs> {
  try {
    return parseArgs(config);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS_')) throw error;
    return refuse(message.split('. ')[0]);
  }
}

/** A flag's value as a positive integer. */
export function positiveInteger(flag: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0
    ? value
    : refuse(`--${flag} takes a positive integer, but ${JSON.stringify(text)} came`);
}

/** A flag's value as a number in [0, 1). */
export function rate(flag: string, text: string): number {
  const value = Number(text);
  return text !== '' && value >= 0 && value < 1
    ? value
    : refuse(`--${flag} takes a number from 0 to below 1, but ${JSON.stringify(text)} came`);
}

/** A flag's value, or a part of it, as one of some names. */
export function oneOf<const Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  return (
    names.find((name) => name === text) ??
    refuse(`--${flag} takes ${names.join(' | ')}, but ${JSON.stringify(text)} came`)
  );
}

/** A flag that must be there. */
export function required(flag: string, text: string | undefined, what: string): string {
  return text ?? refuse(`--${flag} is missing: name ${what}`);
}

function refuse(sentence: string): never {
  console.error(`${sentence} (see --help).`);
  process.exit(2);
}

/** The text of the comment at the top of a file. */
function headingOf(file: string): string {
  const [, comment] = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(file, 'utf8')) as RegExpExecArray;
  return comment.replaceAll(/^ \* ?/gm, '');
}
