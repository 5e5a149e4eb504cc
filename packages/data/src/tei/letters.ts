import { SaxesParser } from 'saxes';
import { CHARACTER_ENTITIES } from './character-entities.ts';
import { TeiError, type TeiProblem } from './errors.ts';

/** A letter of an edition; white space is collapsed in all of its texts. */
export interface Letter {
  /** `book.letter` where the edition counts them, such as `1.5`; else as far as it does. */
  readonly n: string;
  /** Where and when it was written, if the edition says: `Scr. Romae m. Quint. a. 689 (65).` */
  readonly dateline: string;
  /** `CICERO ATTICO salutem` */
  readonly salute: string;
  readonly text: string;
}

/** What a document may have at most. XML that comes from strangers can be made to exhaust a reader. */
export interface TeiLimits {
  /** Elements within one another. Default 100. */
  readonly maxDepth?: number;
  /** UTF-16 units in the whole document. Default 256 Mi. */
  readonly maxLength?: number;
}

type Part = 'book' | 'letter' | 'dateline' | 'salute';

/** A letter while it is read: with all date lines and salutations within it, and the pieces of its text. */
interface Draft {
  readonly n: string;
  readonly datelines: string[];
  readonly salutes: string[];
  readonly text: string[];
}

/** An element that is open. */
interface Open {
  readonly part: Part | undefined;
  /** Its number, if it is a book or a letter that has one. */
  readonly n: string | undefined;
}

/**
 * The letters of an edition in TEI: P5 as Perseus has it, `div[@subtype=letter]` with `seg[@rend=dateline]` and
 * `seg[@rend=salute]`, or P4, `div2[@type=letter]` with `dateline` and `salute`.
 *
 * A letter has its first date line and its first salutation; those of letters that it quotes are left out, as is the header.
 * A document type is not read: entities that it declares are not expanded, and nothing outside the document is opened.
 *
 * @param source names the document in error messages, such as a path
 * @throws TeiError
 */
export function readLetters(xml: string, source = 'this document', limits: TeiLimits = {}): Letter[] {
  const { maxDepth = 100, maxLength = 2 ** 28 } = limits;
  const fail = (problem: TeiProblem, message: string, line?: number) => {
    throw new TeiError(problem, source, message, line);
  };
  if (xml.length > maxLength) {
    fail('too-large', `it is ${xml.length} characters long, and at most ${maxLength} are read; split it`);
  }

  const parser = new SaxesParser();
  Object.assign(parser.ENTITIES, CHARACTER_ENTITIES);
  const open: Open[] = [];
  const letters: Draft[] = [];
  let letter: Draft | undefined;
  let seenRoot = false;

  parser.on('error', ({ message }) => {
    const isEntity = message.includes('entity');
    if (isEntity && seenRoot && letter === undefined) return; // in the header, say: nobody reads it
    if (isEntity) {
      fail(
        'entity',
        `it uses an entity that stands for no known character; ${REPLACE_ENTITIES}`,
        parser.line,
      );
    }
    const what = message.replace(/^\S*\d+:\d+: /, '').replace(/\.$/, '');
    fail('not-well-formed', `it is not well-formed XML (${what})`, parser.line);
  });

  parser.on('opentag', ({ name, attributes }) => {
    const element = localName(name);
    if (!seenRoot && !ROOTS.has(element)) {
      fail('not-tei', `a TEI document begins with the element TEI or TEI.2, but it begins with ${element}`);
    }
    seenRoot = true;
    if (open.length >= maxDepth) {
      fail('too-deep', `its elements lie more than ${maxDepth} deep, which none needs`, parser.line);
    }
    const part = partOf(element, attributes);
    open.push({ part, n: part === 'book' || part === 'letter' ? attributes.n : undefined });
    if (part === 'letter' && letter === undefined) {
      letter = { n: open.flatMap(({ n }) => n ?? []).join('.'), datelines: [], salutes: [], text: [] };
      letters.push(letter);
    }
    if (part === 'dateline') letter?.datelines.push('');
    if (part === 'salute') letter?.salutes.push('');
  });

  parser.on('closetag', () => {
    const closed = open.pop();
    if (closed?.part === 'letter' && !open.some(({ part }) => part === 'letter')) letter = undefined;
  });

  const read = (piece: string) => {
    if (letter === undefined) return;
    const innermost = open.findLast(({ part }) => part !== undefined && part !== 'book')?.part;
    if (innermost === 'dateline') letter.datelines.push(letter.datelines.pop() + piece);
    else if (innermost === 'salute') letter.salutes.push(letter.salutes.pop() + piece);
    else letter.text.push(piece);
  };
  parser.on('text', read);
  parser.on('cdata', read);

  parser.write(xml).close();
  if (letters.length === 0) {
    fail(
      'no-letters',
      'it has no letters, which are div elements with subtype="letter" (P5) or div2 elements with type="letter" (P4)',
    );
  }
  return letters.map(({ n, datelines: [dateline = ''], salutes: [salute = ''], text }) => ({
    n,
    dateline: collapsed(dateline),
    salute: collapsed(salute),
    text: collapsed(text.join('')),
  }));
}

/** A letter as a piece of a corpus: date line, salutation and text on a line each, those that are empty left out. */
export function letterText({ dateline, salute, text }: Letter): string {
  return [dateline, salute, text].filter((line) => line !== '').join('\n');
}

const collapsed = (text: string) => text.replace(/\s+/g, ' ').trim();

const localName = (name: string) => name.slice(name.indexOf(':') + 1);

const ROOTS = new Set(['TEI', 'TEI.2', 'teiCorpus', 'teiCorpus.2']);

const REPLACE_ENTITIES = 'entities that a document declares are not expanded, so replace them first';

function partOf(element: string, attributes: Readonly<Record<string, string>>): Part | undefined {
  const { type, subtype, rend } = attributes;
  if (element === 'dateline' || element === 'salute') return element;
  if (element === 'seg' && (rend === 'dateline' || rend === 'salute')) return rend;
  if (/^div\d?$/.test(element) && (subtype ?? type) === 'letter') return 'letter';
  if (/^div\d?$/.test(element) && (subtype ?? type) === 'book') return 'book';
  return undefined;
}
