import { expect, it } from 'vitest';
import { matcher } from './paths.ts';

const paths = ['', 'h', 'h.0', 'h.0.attn', 'h.0.attn.z', 'h.10', 'h.10.attn', 'ln_f', 'lnxf'];
const cases: readonly [patterns: readonly string[], matched: readonly string[]][] = [
  [['h.0.attn'], ['h.0.attn']],
  [['h.*'], ['h.0', 'h.10']],
  [['h.1*'], ['h.10']],
  [['h.*.attn'], ['h.0.attn', 'h.10.attn']],
  [['h.**'], ['h', 'h.0', 'h.0.attn', 'h.0.attn.z', 'h.10', 'h.10.attn']],
  [['**.attn'], ['h.0.attn', 'h.10.attn']],
  [['h.**.z'], ['h.0.attn.z']],
  [['**'], paths],
  [[''], ['']],
  [['ln.f', 'ln_f'], ['ln_f']],
  [['h.(0|10)', 'h.0+', '[h]'], []],
];

for (const [patterns, matched] of cases) {
  it(`${JSON.stringify(patterns)} matches ${matched.length} of the paths`, () => {
    expect(paths.filter((path) => matcher(patterns).test(path))).toEqual(matched);
  });
}
