/** A line for a person that the next one replaces. */
export interface ProgressLine {
  update(line: string): void;
  /** Ends the live line; it stays on the screen. */
  done(): void;
}

/** A line that is rewritten in place on a terminal; a file or a pipe gets a plain line every ten seconds instead. */
export function progressLine(out: NodeJS.WriteStream): ProgressLine {
  return out.isTTY ? liveLine(out) : sparseLines(out);
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
