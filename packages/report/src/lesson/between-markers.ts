import { readFileSync } from 'node:fs';
import { writeWhole } from './write-whole.ts';

/**
 * Replaces what stands between the lines `<!-- NAME -->` and `<!-- /NAME -->` of a Markdown file.
 *
 * @throws Error if the file does not have both lines
 */
export function writeBetweenMarkers(path: string, name: string, markdown: string): void {
  const [open, close] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`];
  const contents = readFileSync(path, 'utf8');
  const start = contents.indexOf(open);
  const end = contents.indexOf(close, start);
  if (start < 0 || end < 0) {
    throw new Error(
      `${path} must have the lines <!-- ${name} --> and <!-- /${name} --> for the figures to stand between.`,
    );
  }
  writeWhole(path, `${contents.slice(0, start + open.length)}${markdown.trim()}\n${contents.slice(end)}`);
}
