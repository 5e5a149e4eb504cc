import { readFileSync } from 'node:fs';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import { describe, expect, it } from 'vitest';
import { TeiError } from './errors.ts';
import { letterText, readLetters, type TeiLimits } from './letters.ts';

const P5 = `<?xml version="1.0"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><title>Not &letters;</title></teiHeader><text><body>
<div type="edition"><div type="textpart" n="1" subtype="book">
  <div type="textpart" n="1" subtype="letter"><label rend="opener">
    <seg rend="dateline">Scr. Romae
      <date>m. Quint.</date></seg><seg rend="salute">CICERO ATTICO salutem</seg></label>
    <div type="textpart" n="1" subtype="section"><p><reg>petitionis</reg> nostrae,
      quam <![CDATA[tibi & mihi]]> curae &lt;est&gt;. <!-- unseen --></p></div>
    <div type="textpart" n="2" subtype="section"><label><seg rend="salute">CAESAR OPPIO</seg></label><p>vale.</p></div>
  </div>
  <div type="textpart" n="2" subtype="letter"><p>sine die.</p></div>
</div></div></body></text></TEI>`;

const P4 = `<!DOCTYPE TEI.2 PUBLIC "-//TEI P4//DTD" "http://nowhere.invalid/tei.dtd" [<!ENTITY % x SYSTEM "file:///etc/passwd">]>
<TEI.2><teiHeader>&responsibility;</teiHeader><text><body><div1 type="book" n="2"><div2 type="letter" n="7">
<opener><dateline>Scr. Antii</dateline><salute>CICERO ATTICO sal.</salute></opener>
<p>epistulam&mdash;tuam   accepi.</p></div2></div1></body></text></TEI.2>`;

describe('readLetters', () => {
  it('reads P5: number, date line, first salutation, text', () => {
    expect(readLetters(P5)).toEqual([
      {
        n: '1.1',
        dateline: 'Scr. Romae m. Quint.',
        salute: 'CICERO ATTICO salutem',
        text: 'petitionis nostrae, quam tibi & mihi curae <est>. vale.',
      },
      { n: '1.2', dateline: '', salute: '', text: 'sine die.' },
    ]);
  });

  it('reads P4, with the characters that its document type names, and without opening that', () => {
    expect(readLetters(P4)).toEqual([
      { n: '2.7', dateline: 'Scr. Antii', salute: 'CICERO ATTICO sal.', text: 'epistulam—tuam accepi.' },
    ]);
  });

  it('letterText puts a line to each part that is there', () => {
    const [first, second] = readLetters(P5);
    expect(letterText(first!).split('\n')).toHaveLength(3);
    expect(letterText(second!)).toBe('sine die.');
  });
});

describe('a document that is refused', () => {
  const letter = (body: string, doctype = '') =>
    `${doctype}<TEI><text><div subtype="letter"><p>${body}</p></div></text></TEI>`;
  const bomb = Array.from({ length: 10 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');
  const problem = (xml: string, limits?: TeiLimits) => {
    try {
      readLetters(xml, 'x.xml', limits);
    } catch (error) {
      expect(error).toBeInstanceOf(TeiError);
      expect((error as TeiError).message).toMatch(/^Cannot read letters from x\.xml.*\.$/);
      return (error as TeiError).problem;
    }
    return undefined;
  };

  it.each([
    ['plain text', 'Call me Ishmael.', 'not-well-formed'],
    ['nothing', '', 'not-well-formed'],
    ['HTML', '<html><body/></html>', 'not-tei'],
    ['TEI without letters', '<TEI><text><p>verse</p></text></TEI>', 'no-letters'],
    ['a document cut off', P5.slice(0, 700), 'not-well-formed'],
    ['tags that cross', letter('<a><b></a></b>'), 'not-well-formed'],
    ['an entity bomb', letter('&l10;', `<!DOCTYPE TEI [<!ENTITY l0 "lol">${bomb}]>`), 'entity'],
    [
      'an external entity',
      letter('&x;', '<!DOCTYPE TEI [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
      'entity',
    ],
    ['a character that is none', letter('&#xFFFFFFFF;'), 'entity'],
    ['a name of Object', letter('&constructor;'), 'entity'],
    ['elements within elements', letter('<a>'.repeat(200)), 'too-deep'],
  ])('%s', (_, xml, expected) => expect(problem(xml)).toBe(expected));

  it('a document that is too long for a limit', () =>
    expect(problem(P5, { maxLength: 100 })).toBe('too-large'));

  it('a million elements within one another end at the limit', () => {
    expect(problem(`<TEI>${'<a>'.repeat(1_000_000)}`)).toBe('too-deep');
  });
});

const folder = referenceData();
describe.skipIf(!folder)(`Letters to Atticus ${NEEDS_REFERENCE_DATA}`, () => {
  it('446 letters, 825,568 characters, 203 of them distinct', () => {
    const letters = readLetters(readFileSync(`${folder}/corpora/atticus.xml`, 'utf8'));
    const corpus = letters.map(letterText).join('\n\n');
    expect([letters.length, corpus.length, new Set(corpus).size]).toEqual([446, 825_568, 203]);
    expect(letters[0]).toMatchObject({
      n: '1.1',
      dateline: 'Scr. Romae m. Quint. a. 689 (65).',
      salute: 'CICERO ATTICO salutem',
    });
  });
});
