import pc from 'picocolors';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import type { TableBlock } from '../page.ts';

/** Wider lines are hard to read. */
const WIDEST = 96;

/** How many characters fit on a line of this terminal; in a file what `COLUMNS` says, or 80. */
export function terminalWidth(out: NodeJS.WriteStream): number {
  return Math.max(20, Math.min(WIDEST, (out.columns ?? (Number(process.env.COLUMNS) || 80)) - 1));
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

/** A text whose lines are indented by so much, the first by `first`. */
export function indentedForTerminal(text: string, width: number, indent: string, first = indent): string {
  return wrapped(text, width - indent.length)
    .replace(/^/gm, indent)
    .replace(indent, first);
}

function wrapped(text: string, width: number): string {
  return wrapAnsi(text, width, { hard: true });
}

/** Text in a narrower column than this is a column of syllables. */
const NARROWEST = 8;

/**
 * A table with its columns side by side; where the line is too short for all, texts are wrapped within theirs, and where that
 * is not enough, each row is a list of its own, a line a column.
 */
export function tableForTerminal(
  { columns, rows }: Pick<TableBlock, 'columns' | 'rows'>,
  width: number,
): string {
  const cells = [columns, ...rows].map((row) => row.map((cell) => oneLine(String(cell))));
  const numeric = columns.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[\d.,–−-]*$/.test(String(row[i]))),
  );
  const widths = columns.map((_, i) => Math.max(...cells.map((row) => stringWidth(row[i]!))));
  const excess = () => widths.reduce((sum, each) => sum + each + 2, 0) - width;
  while (excess() > 0) {
    const widest = Math.max(NARROWEST, ...widths.filter((_, i) => !numeric[i]));
    const column = widths.findIndex((each, i) => !numeric[i] && each === widest && each > NARROWEST);
    if (column < 0) return listsForTerminal(cells, width);
    widths[column]! -= 1;
  }
  const [head, ...body] = cells.map((row) => {
    const lines = row.map((cell, i) => wrapped(cell, widths[i]!).split('\n'));
    const height = Math.max(...lines.map(({ length }) => length));
    return Array.from({ length: height }, (_, line) => {
      const parts = lines.map((cell, i) => padded(cell[line] ?? '', widths[i]!, numeric[i]!));
      return `  ${parts.join('  ')}`.trimEnd();
    }).join('\n');
  });
  return [pc.dim(head!), ...body].join('\n');
}

/** Each row below the one before, as lines `column  cell`; empty cells are left out. */
function listsForTerminal([columns, ...rows]: readonly (readonly string[])[], width: number): string {
  const left = Math.min(Math.floor(width / 2), Math.max(...columns!.map((column) => stringWidth(column))));
  const item = (cell: string, i: number): string => {
    const name = wrapped(columns![i]!, left).split('\n');
    const text = wrapped(cell, width - left - 4).split('\n');
    const height = Math.max(name.length, text.length);
    return Array.from({ length: height }, (_, line) => {
      return `  ${pc.dim(padded(name[line] ?? '', left, false))}  ${text[line] ?? ''}`.trimEnd();
    }).join('\n');
  };
  return rows
    .map((row) =>
      row
        .map(item)
        .filter((_, i) => row[i] !== '')
        .join('\n'),
    )
    .join('\n\n');
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
