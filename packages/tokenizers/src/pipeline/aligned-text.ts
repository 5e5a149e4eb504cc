/**
 * A text after rewriting, with, for each of its UTF-16 units, the range of the original text that it comes from.
 * The alignment is kept only where offsets are asked for.
 */
export class AlignedText {
  private constructor(
    readonly text: string,
    /** Whether this begins where the original text begins. */
    readonly atStart: boolean,
    private readonly starts: Int32Array | undefined,
    private readonly ends: Int32Array | undefined,
  ) {}

  /** `text[start, end)` without an alignment. */
  static untracked(text: string, start = 0, end = text.length): AlignedText {
    return new AlignedText(text.slice(start, end), start === 0, undefined, undefined);
  }

  /** `text[start, end)`, each unit aligned with itself. */
  static tracked(text: string, start = 0, end = text.length): AlignedText {
    const starts = Int32Array.from({ length: end - start }, (_, i) => start + i);
    const ends = starts.map((unit) => unit + 1);
    return new AlignedText(text.slice(start, end), start === 0, starts, ends);
  }

  /** Where in the original the unit at `index` begins. Zero where nothing is tracked. */
  originalStart(index: number): number {
    return this.starts?.[index] ?? 0;
  }

  /** Where in the original the unit before `index` ends. Zero where nothing is tracked. */
  originalEnd(index: number): number {
    return this.ends?.[index - 1] ?? 0;
  }

  /** The same, as a part that does not begin where the original begins. */
  asContinuation(): AlignedText {
    return new AlignedText(this.text, false, this.starts, this.ends);
  }

  slice(start: number, end: number): AlignedText {
    if (start === 0 && end === this.text.length) return this;
    return new AlignedText(
      this.text.slice(start, end),
      this.atStart && start === 0,
      this.starts?.subarray(start, end),
      this.ends?.subarray(start, end),
    );
  }

  /** A rewriting of this text, built from left to right by `edit`. */
  rewrite(edit: (rewriter: Rewriter) => void): AlignedText {
    const rewriter = new Rewriter(this.text, this.starts, this.ends);
    edit(rewriter);
    return new AlignedText(
      rewriter.text,
      this.atStart,
      rewriter.starts && Int32Array.from(rewriter.starts),
      rewriter.ends && Int32Array.from(rewriter.ends),
    );
  }

  /** Replaces each match of a global expression: the replacement is aligned with the last character replaced. */
  replace(pattern: RegExp, replacement: string): AlignedText {
    if (!this.starts) {
      return new AlignedText(
        this.text.replace(pattern, () => replacement),
        this.atStart,
        undefined,
        undefined,
      );
    }
    return this.rewrite((out) => {
      let at = 0;
      for (const match of this.text.matchAll(pattern)) {
        const end = match.index + match[0].length;
        out.keep(at, match.index);
        out.put(replacement, Math.max(match.index, end - 1), end);
        at = end;
      }
      out.keep(at, this.text.length);
    });
  }
}

export class Rewriter {
  text = '';
  readonly starts: number[] | undefined;
  readonly ends: number[] | undefined;

  constructor(
    private readonly source: string,
    private readonly sourceStarts: Int32Array | undefined,
    private readonly sourceEnds: Int32Array | undefined,
  ) {
    if (sourceStarts) {
      this.starts = [];
      this.ends = [];
    }
  }

  /** Copies units [start, end) of the source. */
  keep(start: number, end: number): void {
    this.text += this.source.slice(start, end);
    for (let i = start; this.starts && i < end; i++) {
      this.starts.push(this.sourceStarts![i]!);
      this.ends!.push(this.sourceEnds![i]!);
    }
  }

  /** Appends `text`, all of it aligned with units [start, end) of the source. */
  put(text: string, start: number, end: number): void {
    this.text += text;
    for (let i = 0; this.starts && i < text.length; i++) {
      this.starts.push(this.sourceStarts![start] ?? this.sourceEnds!.at(-1) ?? 0);
      this.ends!.push(this.sourceEnds![end - 1] ?? 0);
    }
  }
}
