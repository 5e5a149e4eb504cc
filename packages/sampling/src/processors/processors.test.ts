import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import { describe, expect, it } from 'vitest';
import { LogitsError } from '../errors.ts';
import { chain, type LogitsProcessor } from './processor.ts';
import { temperature } from './temperature.ts';
import { topK } from './top-k.ts';
import { topP } from './top-p.ts';

type Value = number | '-Infinity';

interface Params {
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_tokens_to_keep?: number;
  readonly order?: readonly string[];
}

/** Rows of logits, and what transformers' processors make of them. */
interface Golden {
  readonly rows: readonly { readonly logits: readonly Value[] }[];
  readonly cases: readonly {
    readonly name: string;
    readonly params: Params;
    readonly expected: readonly (readonly Value[])[];
    readonly flags?: Readonly<Record<string, readonly string[]>>;
  }[];
}

const readGolden = (path: string | URL) => JSON.parse(readFileSync(path, 'utf8')) as Golden;

const processors: Readonly<Record<string, (params: Params) => LogitsProcessor>> = {
  temperature: (params) => temperature(params.temperature as number),
  top_k: ({ top_k: k, min_tokens_to_keep: minTokensToKeep }) => topK(k as number, { minTokensToKeep }),
  top_p: ({ top_p: p, min_tokens_to_keep: minTokensToKeep }) => topP(p as number, { minTokensToKeep }),
};

/** The processor of a case; undefined where it needs one that this package lacks. */
function processorOf(params: Params): LogitsProcessor | undefined {
  const names = params.order ?? Object.keys(params).filter((name) => name !== 'min_tokens_to_keep');
  if (!names.every((name) => name in processors)) return undefined;
  return chain(names.map((name) => processors[name](params)));
}

/** Compares every row of every case bit for bit; returns how many rows were compared. */
function compare({ rows, cases }: Golden): number {
  let compared = 0;
  for (const { name, params, expected, flags = {} } of cases) {
    const process = processorOf(params);
    if (process === undefined) continue;
    for (const [index, { logits }] of rows.entries()) {
      const input = Float32Array.from(logits, Number);
      const before = input.slice();
      let actual = process(input);
      expect(input, 'the row that came').toEqual(before);
      let wanted = Float32Array.from(expected[index], Number);
      // Which of several equal logits stay, and of 0 and -0, depends on the sort: compare the values alone.
      if (flags[index]?.includes('tie_split'))
        [actual, wanted] = [sortedValues(actual), sortedValues(wanted)];
      expect(actual, `${name}, row ${index}`).toEqual(wanted);
      compared++;
    }
  }
  return compared;
}

const sortedValues = (row: Float32Array) => row.map((value) => value + 0).sort();

const reference = referenceData();

describe('processors', () => {
  it('equal transformers’ on our own rows', () => {
    expect(compare(readGolden(new URL('fixtures/processors.json', import.meta.url)))).toBe(48);
  });

  it.skipIf(reference === undefined)(
    `equal transformers’ on the reference rows ${NEEDS_REFERENCE_DATA}`,
    () => {
      const golden = readGolden(join(reference as string, 'golden/sampling/processors.json'));
      expect(compare(golden)).toBe(240);
    },
  );

  it('top-k keeps all that tie with the last', () => {
    expect([...topK(2)(Float32Array.of(1, 3, 2, 2))]).toEqual([Number.NEGATIVE_INFINITY, 3, 2, 2]);
  });

  it('top-p keeps the lowest ids of those that tie at the cut', () => {
    const never = Number.NEGATIVE_INFINITY;
    expect([...topP(0.5)(new Float32Array(4))]).toEqual([0, 0, never, never]);
    expect([...topP(0.51)(new Float32Array(4))]).toEqual([0, 0, 0, never]);
  });

  it('top-p keeps one token at least, and all at 1', () => {
    const row = Float32Array.of(0, -200, Number.NEGATIVE_INFINITY);
    expect([...topP(1e-9)(row)]).toEqual([0, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(topP(1)(row)).toEqual(row);
  });

  it('top-p says that a row is no distribution', () => {
    expect(() => topP(0.9)(Float32Array.of(0, Number.NaN))).toThrow(LogitsError);
  });
});
