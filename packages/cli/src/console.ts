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

interface ProgressLine {
  update(line: string): void;
  /** Ends the live line; it stays on the screen. */
  done(): void;
}

/** With `--json`, what people read goes to standard error. */
export function createConsole({ json }: { readonly json: boolean }): Console {
  const people = json ? process.stderr : process.stdout;
  const progress = people.isTTY ? liveLine(people) : sparseLines(people);
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

/** Rewrites one line, cut to the terminal's width. */
function liveLine(out: NodeJS.WriteStream): ProgressLine {
  let live = false;
  return {
    update(line) {
      live = true;
      out.write(`\r\u001b[2K${line.slice(0, Math.max(10, (out.columns ?? 80) - 1))}`);
    },
    done() {
      if (live) out.write('\n');
      live = false;
    },
  };
}

const SPARSE_SECONDS = 10;

/** A file or a pipe gets a line every ten seconds instead. */
function sparseLines(out: NodeJS.WriteStream): ProgressLine {
  let last = Number.NEGATIVE_INFINITY;
  return {
    update(line) {
      const now = performance.now();
      if (now - last < SPARSE_SECONDS * 1000) return;
      last = now;
      out.write(`${line}\n`);
    },
    done() {},
  };
}

/** How a person calls this program from where it was called: inside the workspace through pnpm. */
export const PROGRAM = process.env.npm_config_user_agent?.startsWith('pnpm/') ? 'pnpm minigpt' : 'minigpt';

/** `label  value`, aligned below each other. */
export function field(label: string, value: string): string {
  return `  ${pc.dim(label.padEnd(11))} ${value}`;
}

/** 75 → `1m 15s`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`;
}

/** 1234567 → `1,234,567`. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
