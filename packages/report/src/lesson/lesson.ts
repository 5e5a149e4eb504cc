import { join } from 'node:path';
import pc from 'picocolors';
import {
  type Block,
  type FigureBlock,
  type Page,
  renderPage,
  type SampleBlock,
  type TableBlock,
} from '../page.ts';
import { type Check, figure, holds, type Rule, spelled } from './check.ts';
import { type ProgressLine, progressLine } from './progress-line.ts';
import {
  indentedForTerminal,
  proseForTerminal,
  sampleForTerminal,
  tableForTerminal,
  terminalWidth,
} from './terminal.ts';
import { writeWhole } from './write-whole.ts';

export interface LessonOptions {
  readonly title: string;
  /** A sentence below the title. */
  readonly lead: string;
  /** The folder that gets `index.html` and the figures that have a name. */
  readonly folder: string;
}

interface FiguresOptions {
  /** Each is also written to a file of its own, `NAME.svg`. */
  readonly figures: readonly { readonly name: string; readonly html: string }[];
  readonly caption: string;
}

/**
 * A lesson that is told twice: to the terminal as it goes, and as a page for later. The page is written anew with each
 * chapter, whole or not at all, so that there is something to read however the lesson ends.
 */
export class Lesson {
  readonly folder: string;
  readonly checks: Check[] = [];
  readonly #page: Omit<Page, 'blocks'>;
  readonly #blocks: Block[] = [];
  readonly #out: NodeJS.WriteStream = process.stdout;
  readonly #progress: ProgressLine = progressLine(process.stdout);

  constructor({ title, lead, folder }: LessonOptions) {
    this.folder = folder;
    this.#page = { title, lead };
    this.#save();
    this.#print(`${pc.bold(title)}\n${pc.dim(proseForTerminal(lead, this.#width))}`);
  }

  /** @throws the file system's error where the page cannot be written; the page of the chapter before is still whole */
  chapter(title: string): void {
    const number = this.#blocks.filter(({ kind }) => kind === 'chapter').length + 1;
    this.#blocks.push({ kind: 'chapter', title });
    this.#save();
    const heading = indentedForTerminal(`${number}. ${title}`, this.#width, '');
    this.#print(`\n${pc.bold(pc.cyan(heading))}`);
  }

  /** Prose in Markdown: paragraphs, lists, `code`, emphasis, links. */
  say(markdown: string): void {
    const text = dedented(markdown);
    this.#blocks.push({ kind: 'prose', markdown: text });
    this.#print(proseForTerminal(text, this.#width));
  }

  /** A formula in plain text; see `FormulaBlock`. */
  formula(text: string): void {
    this.#blocks.push({ kind: 'formula', text });
    this.#print(indentedForTerminal(text, this.#width, '      '));
  }

  table(table: Omit<TableBlock, 'kind'>): void {
    this.#blocks.push({ kind: 'table', ...table });
    this.#print(tableForTerminal(table, this.#width));
    this.#caption(table.caption);
  }

  /** A chart; with `name`, it is also written to a file of its own, `NAME.svg`. */
  figure({ name, ...figure }: Omit<FigureBlock, 'kind'> & { readonly name?: string }): void {
    this.#blocks.push({ kind: 'figure', ...figure });
    if (name !== undefined) writeWhole(join(this.folder, `${name}.svg`), figure.html);
    this.#caption(`[figure on the page] ${figure.caption}`);
  }

  /** Charts beside each other, where the page is wide enough, under one caption. */
  figures({ figures, caption }: FiguresOptions): void {
    const html = `<div class="beside">${figures.map(({ html }) => html).join('')}</div>`;
    this.#blocks.push({ kind: 'figure', html, caption });
    for (const { name, html } of figures) writeWhole(join(this.folder, `${name}.svg`), html);
    this.#caption(`[figures on the page] ${caption}`);
  }

  /** A text as it is, in the terminal cut after `lines` lines. */
  sample({ lines = 14, ...sample }: Omit<SampleBlock, 'kind'> & { readonly lines?: number }): void {
    this.#blocks.push({ kind: 'sample', ...sample });
    const shown = sampleForTerminal(sample.text, this.#width).split('\n');
    const rest = shown.length - lines;
    this.#print(shown.slice(0, lines).join('\n'));
    this.#caption(rest > 0 ? `${sample.caption} (${rest} more lines on the page)` : sample.caption);
  }

  /** A file beside the page, for what is too large for it; prose may link to it by its name. */
  attach(name: string, contents: string): void {
    writeWhole(join(this.folder, name), contents);
  }

  /** Says how far something has come, in a line that the next one replaces. */
  progress(line: string): void {
    this.#progress.update(`  ${line}`);
  }

  /** Says a number and whether it is as it should be; it stands in the table at the end too. */
  check(what: string, value: number, rule: Rule, source: string): void {
    const check = { what, value, rule, source };
    this.checks.push(check);
    const sign = holds(check) ? pc.green('✓') : pc.red('✗');
    const said = `${what}: ${pc.bold(figure(value))} (${spelled(rule)}; ${source})`;
    this.#print(indentedForTerminal(said, this.#width, '    ', `  ${sign} `));
  }

  /** Shows all checks, writes them to `numbers.json`, writes the page, and says where it is. The process will exit with 1 if a check failed. */
  finish(): void {
    if (this.checks.length > 0) {
      this.chapter('The numbers');
      const failed = this.checks.filter((check) => !holds(check)).length;
      this.say(
        failed === 0
          ? 'Every number is as it should be.'
          : `**${failed} of ${this.checks.length} numbers ${failed === 1 ? 'is' : 'are'} not as they should be.**`,
      );
      this.table({
        caption: 'What this lesson arrived at, and what it must be.',
        columns: ['', 'what', 'here', 'must be', 'because'],
        rows: this.checks.map((check) => [
          holds(check) ? '✓' : '✗',
          check.what,
          figure(check.value),
          spelled(check.rule),
          check.source,
        ]),
      });
      if (failed > 0) process.exitCode = 1;
    }
    const numbers = this.checks.map((check) => ({ ...check, holds: holds(check) }));
    writeWhole(join(this.folder, 'numbers.json'), `${JSON.stringify(numbers, null, 2)}\n`);
    this.#save();
    this.#print(`\nThe page: ${pc.underline(join(this.folder, 'index.html'))}`);
  }

  get #width(): number {
    return terminalWidth(this.#out);
  }

  #caption(markdown: string): void {
    this.#print(pc.dim(proseForTerminal(markdown, this.#width - 2).replace(/^/gm, '  ')));
  }

  #print(text: string): void {
    this.#progress.done();
    this.#out.write(`${text}\n\n`);
  }

  #save(): void {
    writeWhole(join(this.folder, 'index.html'), renderPage({ ...this.#page, blocks: this.#blocks }));
  }
}

/** Takes off what the lines of a template literal are indented by. */
function dedented(markdown: string): string {
  return markdown
    .split('\n')
    .map((line) => line.trimStart())
    .join('\n')
    .trim();
}
