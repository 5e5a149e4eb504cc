import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';

/** Lines that a person types, or that come through a pipe, one at a time. */
export interface LineReader {
  /** The next line; undefined at the end of the input, which a person gives by Ctrl-D, or by Ctrl-C twice. */
  next(): Promise<string | undefined>;
  /** Does something that Ctrl-C aborts, instead of ending the program. */
  interruptibly<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  close(): void;
}

export interface LineReaderOptions {
  /** Whether a person types: with a prompt, editing and a history. */
  readonly interactive: boolean;
  /** Said at the first Ctrl-C while nothing is under way. */
  readonly hint: string;
}

/**
 * Reads standard input. On a terminal Ctrl-C comes as a key, not as a signal, so that it reaches nobody else: not the package
 * manager that started this program, nor a library in the middle of a computation.
 */
export function readLines({ interactive, hint }: LineReaderOptions): LineReader {
  const lines: string[] = [];
  let ended = false;
  let warned = false;
  let wake: () => void = () => {};
  let abort: (() => void) | undefined;

  const screen = terminalOutput();
  const input = createInterface({
    input: process.stdin,
    ...(interactive && { output: screen.stream, terminal: true, prompt: '> ' }),
  });
  const end = () => {
    ended = true;
    wake();
  };
  const interrupt = () => {
    if (abort !== undefined) return abort();
    if (!interactive) process.exitCode = 130;
    if (warned || !interactive) {
      lines.length = 0;
      return input.close();
    }
    warned = true;
    input.write(null, { ctrl: true, name: 'u' }); // what was typed is gone
    process.stdout.write(`\n${hint}\n`);
    input.prompt();
  };
  input.on('line', (line) => {
    warned = false;
    lines.push(line);
    wake();
  });
  input.on('close', end);
  input.on('SIGINT', interrupt);
  process.on('SIGINT', interrupt);

  return {
    async next() {
      if (interactive && !ended && lines.length === 0) input.prompt(true); // with what was typed ahead
      while (lines.length === 0 && !ended) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return lines.shift();
    },
    async interruptibly(work) {
      const controller = new AbortController();
      abort = () => controller.abort();
      screen.mute(true);
      try {
        return await work(controller.signal);
      } finally {
        abort = undefined;
        screen.mute(false);
      }
    },
    close() {
      process.off('SIGINT', interrupt);
      input.close();
    },
  };
}

/** Standard output for readline, which must not echo what is typed into an answer that is being written. */
function terminalOutput() {
  let muted = false;
  const stream = new Writable({
    write(chunk, _encoding, done) {
      if (!muted) process.stdout.write(chunk);
      done();
    },
  });
  Object.defineProperty(stream, 'columns', { get: () => process.stdout.columns });
  process.stdout.on('resize', () => stream.emit('resize'));
  return {
    stream,
    mute(on: boolean) {
      muted = on;
    },
  };
}
