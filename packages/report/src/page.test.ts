import { expect, it } from 'vitest';
import { type Block, renderPage } from './page.ts';

const page = (...blocks: Block[]) => renderPage({ title: 'A < B', lead: 'Lead & more', blocks });

it('is one file: no script, nothing from the network, and a policy that forbids both', () => {
  const html = page({ kind: 'prose', markdown: 'See [the paper](https://example.org).' });
  expect(html).toContain("default-src 'none'");
  expect(html).not.toMatch(/<script|<link|src=|@import|url\(/);
  expect(html).toContain('<a href="https://example.org">the paper</a>');
});

it('escapes what is not ours: titles, cells, samples', () => {
  const evil = '<img onerror=x>';
  const html = page(
    { kind: 'chapter', title: evil },
    { kind: 'sample', text: evil, caption: '' },
    { kind: 'table', caption: '', columns: [evil], rows: [[evil]] },
    { kind: 'formula', text: evil },
  );
  expect(html).not.toContain('<img');
});

it('numbers the chapters and lists them', () => {
  const html = page({ kind: 'chapter', title: 'One' }, { kind: 'chapter', title: 'Two' });
  expect(html).toContain('<li><a href="#c2">Two</a></li>');
  expect(html).toContain('<h2 id="c2"><span class="number">2</span>Two</h2>');
});

it('sets indices low and exponents high', () => {
  expect(page({ kind: 'formula', text: 'W_{ij} + x_t^{-1/2}' })).toContain(
    'W<sub>ij</sub> + x<sub>t</sub><sup>-1/2</sup>',
  );
});

it('sets columns of numbers to the right', () => {
  const rows = [
    ['a', '1,234', '12 %'],
    ['b', '–', '3.5 %'],
  ];
  const html = page({ kind: 'table', caption: '', columns: ['name', 'n', 'share'], rows });
  expect(html).toContain('<td>a</td><td class="number">1&#44;234</td>'.replace('&#44;', ','));
  expect(html).toContain('<th class="number">share</th>');
});
