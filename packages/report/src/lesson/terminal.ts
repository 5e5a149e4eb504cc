import pc from 'picocolors';
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

/** A table with its columns below each other; the widest are cut where the line is too short for all. */
export function tableForTerminal(
  { columns, rows }: Pick<TableBlock, 'columns' | 'rows'>,
  width: number,
): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => oneLine(String(cell))));
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const gaps = 2 * columns.length;
  const total = () => widths.reduce((sum, each) => sum + each, gaps);
  while (total() > width && Math.max(...widths) > 6) widths[widths.indexOf(Math.max(...widths))]! -= 1;
  const numeric = columns.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[\d.,–−-]*$/.test(String(row[i]))),
  );
  const [head, ...body] = cells.map((row) =>
    row
      .map((cell, i) => fitted(cell, widths[i]!, numeric[i]!))
      .join('  ')
      .trimEnd(),
  );
  return [pc.dim(`  ${head}`), ...body.map((line) => `  ${line}`)].join('\n');
}

function fitted(cell: string, width: number, right: boolean): string {
  const cut = cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
  return right ? cut.padStart(width) : cut.padEnd(width);
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
