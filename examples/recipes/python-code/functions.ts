/** A function at the left margin: its head, which ends with a line end, and the lines of its body. */
export interface PythonFunction {
  readonly head: string;
  readonly body: string;
}

const FUNCTION = /^(def \w+\([^\n]*\):[^\S\n]*\n)((?:(?:[ \t][^\n]*)?\n)+)/gm;

/** The functions of a file whose heads are one line; a function's body ends before the next line at the left margin. */
export function functionsIn(source: string): PythonFunction[] {
  return Array.from(source.matchAll(FUNCTION), ([, head, body]) => ({
    head: head!,
    body: `${body!.trimEnd()}\n`,
  }));
}

/** The whole lines of a body that was cut off somewhere, without blank ones at the end. */
export function wholeLines(body: string): string {
  return body.slice(0, body.lastIndexOf('\n') + 1).trimEnd();
}
