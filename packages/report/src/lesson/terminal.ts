import pc from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { TableBlock } from '../page.ts';

/** Wider lines are hard to read. */
const WIDEST = 96;

/** How many characters fit on a line of this terminal; 80 in a file. */
export function terminalWidth(out: NodeJS.WriteStream): number {
  return Math.max(20, Math.min(WIDEST, (out.columns ?? 80) - 1));
}

/** Markdown as it reads on a terminal: paragraphs wrapped, emphasis in the terminal's way, links as their text. */
export function proseForTerminal(markdown: string, width: number): string {
  return markdown
    .trim()
    .split(/\n{2,}/)
    .map((paragraph) => {
      const isList = /^([-*]|\d+\.) /.test(paragraph);
      const lines = isList ? paragraph.split(/\n(?=(?:[-*]|\d+\.) )/) : [paragraph];
      return lines.map((line) => wrapped(inline(line.replace(/\s+/g, ' ').trim()), width)).join('\n');
    })
    .join('\n\n');
}

function inline(text: string): string {
  return text
    .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
    .replace(/`([^`]+)`/g, (_, code: string) => pc.cyan(code))
    .replace(/\*\*([^*]+)\*\*/g, (_, strong: string) => pc.bold(strong))
    .replace(/(?<![*\w])\*([^*]+)\*/g, '$1')
    .replace(/(?<!\w)_([^_]+)_(?!\w)/g, '$1');
}

function wrapped(text: string, width: number): string {
  return wrapAnsi(text, width, { hard: true });
}

/** A table with its columns side by side; where the line is too short for all, the widest are wrapped within themselves. */
export function tableForTerminal(
  { columns, rows }: Pick<TableBlock, 'columns' | 'rows'>,
  width: number,
): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => oneLine(String(cell))));
  const numeric = columns.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[\d.,–−-]*$/.test(String(row[i]))),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => stringWidth(row[i]!))));
  const gaps = 2 * columns.length;
  const excess = () => widths.reduce((sum, each) => sum + each, gaps) - width;
  // Numbers are the last to be cut in pieces.
  for (const [narrowest, shrinks] of [
    [10, (i: number) => !numeric[i]],
    [6, () => true],
  ] as const) {
    while (excess() > 0) {
      const widest = Math.max(narrowest, ...widths.filter((_, i) => shrinks(i)));
      const column = widths.findIndex((each, i) => shrinks(i) && each === widest && each > narrowest);
      if (column < 0) break;
      widths[column]! -= 1;
    }
  }
  const [head, ...body] = cells.map((row) => {
    const wrappedCells = row.map((cell, i) => wrapped(cell, widths[i]!).split('\n'));
    const height = Math.max(...wrappedCells.map((lines) => lines.length));
    return Array.from({ length: height }, (_, line) => {
      const parts = wrappedCells.map((lines, i) => padded(lines[line] ?? '', widths[i]!, numeric[i]!));
      return `  ${parts.join('  ')}`.trimEnd();
    }).join('\n');
  });
  return [pc.dim(head!), ...body].join('\n');
}

function padded(text: string, width: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, width - stringWidth(text)));
  return right ? space + text : text + space;
}

/** Line ends and other control characters as signs, so that a table stays one and no text moves the cursor. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.codePointAt(0)!;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : '�';
  });
}

/** A verbatim text, indented and wrapped; control characters but line ends and tabs are made visible. */
export function sampleForTerminal(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => wrapAnsi(oneLine(line.replaceAll('\t', '    ')), width - 4, { hard: true, trim: false }))
    .join('\n')
    .replace(/^/gm, `  ${pc.dim('│')} `);
}
