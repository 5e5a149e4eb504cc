/** A function at the left margin, in three parts that end with a line end; where it has no docstring, that is empty. */
export interface PythonFunction {
  readonly head: string;
  readonly docstring: string;
  readonly body: string;
}

const FUNCTION =
  /^(def \w+\([^\n]*\):[^\S\n]*\n)((?:[ \t]+r?"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""[^\S\n]*\n)?)((?:(?:[ \t][^\n]*)?\n)+)/gm;

/** The functions of a file whose heads are one line; a function's body ends before the next line at the left margin. */
export function functionsIn(source: string): PythonFunction[] {
  return Array.from(source.matchAll(FUNCTION), ([, head, docstring, body]) => ({
    head: head!,
    docstring: docstring!,
    body: `${body!.trimEnd()}\n`,
  })).filter(({ body }) => body.trim() !== '');
}

/** Whether a text that begins with a function goes on at the left margin, where the function is over. */
export function isOver(text: string): boolean {
  return END_OF_FUNCTION.test(text);
}

const END_OF_FUNCTION = /\n(?=\S)/;

/** What a text that begins with a function has of it: all of it where it is over, else its whole lines. */
export function functionOf(text: string): string {
  const over = text.search(END_OF_FUNCTION);
  return text.slice(0, over < 0 ? text.lastIndexOf('\n') + 1 : over).trimEnd();
}
