import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, Rng } from '@minigpt/core';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import { describe, expect, it } from 'vitest';
import { logSumExp } from '../distribution.ts';
import { LogitsError } from '../errors.ts';
import { allowedIds } from './allowed-ids.ts';
import { epsilonCutoff, etaCutoff, minP } from './cutoff.ts';
import { logSoftmax } from './log-softmax.ts';
import { minLength } from './min-length.ts';
import { noRepeatNgram } from './no-repeat-ngram.ts';
import { countPenalties, repetitionPenalty } from './penalties.ts';
import { chain, type LogitsProcessor } from './processor.ts';
import { badWords, sequenceBias } from './sequence-bias.ts';
import { temperature } from './temperature.ts';
import { topH } from './top-h.ts';
import { topK } from './top-k.ts';
import { topP } from './top-p.ts';
import { typicalP } from './typical-p.ts';

type Value = number | '-Infinity';

interface Params {
  readonly temperature: number;
  readonly top_h: number;
  readonly top_k: number;
  readonly top_p: number;
  readonly min_p: number;
  readonly typical_p: number;
  readonly epsilon_cutoff: number;
  readonly eta_cutoff: number;
  readonly repetition_penalty: number;
  readonly frequency_penalty: number;
  readonly presence_penalty: number;
  readonly no_repeat_ngram_size: number;
  readonly bad_words_ids: readonly (readonly number[])[];
  readonly allowed_token_ids: readonly number[];
  readonly suppress_tokens: readonly number[];
  readonly sequence_bias: readonly (readonly [ids: readonly number[], bias: number])[];
  readonly prompt_length_to_skip: number;
  readonly min_new_tokens: number;
  readonly eos_token_id: number | readonly number[];
  readonly renormalize?: boolean;
  readonly min_tokens_to_keep?: number;
  readonly order?: readonly string[];
}

/** Rows of logits, and what transformers' processors make of them. */
interface Golden {
  readonly rows: readonly { readonly logits: readonly Value[]; readonly previous_ids?: readonly number[] }[];
  readonly cases: readonly {
    readonly name: string;
    readonly params: Params;
    readonly expected: readonly (readonly Value[])[];
    readonly flags?: Readonly<Record<string, readonly string[]>>;
  }[];
}

const readGolden = (path: string | URL) => JSON.parse(readFileSync(path, 'utf8')) as Golden;

const keep = ({ min_tokens_to_keep: minTokensToKeep }: Params) => ({ minTokensToKeep });
const endIds = ({ eos_token_id: ids }: Params) => (typeof ids === 'number' ? [ids] : ids);

const processors: Readonly<Record<string, (params: Params) => LogitsProcessor>> = {
  temperature: (params) => temperature(params.temperature),
  top_h: (params) => topH(params.top_h),
  top_k: (params) => topK(params.top_k, keep(params)),
  top_p: (params) => topP(params.top_p, keep(params)),
  min_p: (params) => minP(params.min_p, keep(params)),
  typical_p: (params) => typicalP(params.typical_p, keep(params)),
  epsilon_cutoff: (params) => epsilonCutoff(params.epsilon_cutoff, keep(params)),
  eta_cutoff: (params) => etaCutoff(params.eta_cutoff, keep(params)),
  repetition_penalty: (params) => repetitionPenalty(params.repetition_penalty),
  frequency_penalty: (params) =>
    countPenalties({ frequency: params.frequency_penalty, presence: params.presence_penalty }),
  no_repeat_ngram_size: (params) => noRepeatNgram(params.no_repeat_ngram_size),
  // transformers never rules out the end of a text as a bad word.
  bad_words_ids: (params) =>
    badWords(params.bad_words_ids.filter((ids) => ids.length > 1 || !endIds(params).includes(ids[0]))),
  allowed_token_ids: (params) => allowedIds(params.allowed_token_ids),
  suppress_tokens: (params) => badWords(params.suppress_tokens.map((id) => [id])),
  sequence_bias: (params) => sequenceBias(params.sequence_bias.map(([ids, bias]) => ({ ids, bias }))),
  min_new_tokens: (params) => minLength(params.prompt_length_to_skip + params.min_new_tokens, endIds(params)),
  renormalize: () => logSoftmax,
};
const settings = ['min_tokens_to_keep', 'eos_token_id', 'prompt_length_to_skip', 'presence_penalty'];

/** The processor of a case; undefined where it needs one that this package lacks. */
function processorOf(params: Params): LogitsProcessor | undefined {
  const names = params.order ?? Object.keys(params).filter((name) => !settings.includes(name));
  if (!names.every((name) => name in processors)) return undefined;
  return chain(names.map((name) => processors[name](params)));
}

/** Compares every row of every case bit for bit; returns how many rows were compared. */
function compare({ rows, cases }: Golden): number {
  let compared = 0;
  for (const { name, params, expected, flags = {} } of cases) {
    const process = processorOf(params);
    if (process === undefined) continue;
    for (const [index, { logits, previous_ids: ids = [] }] of rows.entries()) {
      const input = Float32Array.from(logits, Number);
      const before = input.slice();
      let actual = process(input, ids);
      expect(input, 'the row that came').toEqual(before);
      let wanted = Float32Array.from(expected[index], Number);
      // Which of several equal logits stay, and of 0 and -0, depends on the sort: compare the values alone.
      if (flags[index]?.includes('tie_split'))
        [actual, wanted] = [sortedValues(actual), sortedValues(wanted)];
      const what = `${name}, row ${index}`;
      if (params.renormalize || params.order) expectEqualToSixDigits(actual, wanted, what);
      else expect(unsigned(actual), what).toEqual(unsigned(wanted));
      compared++;
    }
  }
  return compared;
}

/** Rows are float32 between the processors of a chain; and so exact is log p near p = 1 in PyTorch's float64. */
function expectEqualToSixDigits(actual: Float32Array, wanted: Float32Array, what: string): void {
  for (const [id, value] of wanted.entries()) {
    if (Number.isFinite(value) && value !== 0)
      expect(Math.abs(actual[id] - value), what).toBeLessThanOrEqual(1e-6 * Math.abs(value));
    else expect(actual[id] + 0, what).toBe(value + 0);
  }
}

const unsigned = (row: Float32Array) => row.map((value) => value + 0); // -0 is 0
const sortedValues = (row: Float32Array) => unsigned(row).sort();

const reference = referenceData();

describe('processors', () => {
  it('equal transformers’ on our own rows', () => {
    expect(compare(readGolden(new URL('fixtures/processors.json', import.meta.url)))).toBe(48);
  });

  it.skipIf(reference === undefined)(
    `equal transformers’ on the reference rows ${NEEDS_REFERENCE_DATA}`,
    () => {
      const golden = readGolden(join(reference as string, 'golden/sampling/processors.json'));
      expect(compare(golden)).toBe(700);
    },
  );

  it('no-repeat n-gram of one rules out every token so far, and a text too short repeats nothing', () => {
    const row = new Float32Array(4);
    expect([...noRepeatNgram(1)(row, [2, 0])]).toEqual([
      Number.NEGATIVE_INFINITY,
      0,
      Number.NEGATIVE_INFINITY,
      0,
    ]);
    expect(noRepeatNgram(3)(row, [2])).toEqual(row);
  });

  it('a sequence longer than the text is not begun in it', () => {
    const biased = sequenceBias([
      { ids: [1, 2, 3], bias: 1 },
      { ids: [2, 3], bias: 2 },
    ]);
    expect([...biased(new Float32Array(4), [2])]).toEqual([0, 0, 0, 2]);
    expect([...biased(new Float32Array(4), [1, 2])]).toEqual([0, 0, 0, 3]);
  });

  it.each<[string, () => LogitsProcessor]>([
    ['minP', () => minP(1)],
    ['typicalP', () => typicalP(0)],
    ['topH', () => topH(1.1)],
    ['epsilonCutoff', () => epsilonCutoff(-0.1)],
    ['etaCutoff', () => etaCutoff(Number.NaN)],
    ['repetitionPenalty', () => repetitionPenalty(0)],
    ['frequencyPenalty', () => countPenalties({ frequency: Number.NaN })],
    ['presencePenalty', () => countPenalties({ presence: Number.POSITIVE_INFINITY })],
    ['noRepeatNgramSize', () => noRepeatNgram(0)],
    ['bias', () => sequenceBias([{ ids: [1], bias: Number.NaN }])],
    ['id', () => badWords([[]])],
    ['allowed', () => allowedIds([])],
    ['minLength', () => minLength(1.5, [0])],
  ])('refuses a bad %s', (setting, make) => {
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(setting);
  });

  it('over large vocabularies keep what sorting all tokens keeps', () => {
    const rng = new Rng(4);
    for (let trial = 0; trial < 40; trial++) {
      const scale = 0.1 + 10 * rng.fold(trial).unit();
      // Coarse, so that many tie; some ruled out.
      const row = rng
        .fold(trial)
        .normal(3000)
        .map((x, id) =>
          id % 7 === 3 ? Number.NEGATIVE_INFINITY : Math.round(x * scale * 8) / 8,
        ) as Float32Array;
      const descending = row.toSorted().reverse();
      const [k, p] = [1 + 50 * (trial % 13), 0.5 + 0.0124 * trial];
      expect(topK(k)(row)).toEqual(row.map((x) => (x < descending[k - 1] ? Number.NEGATIVE_INFINITY : x)));

      const logTotal = logSumExp(row);
      const ascending = Array.from(row.keys()).sort((a, b) => row[a] - row[b] || b - a);
      const wanted = row.slice();
      let tail = 0;
      for (const id of ascending.slice(0, -1)) {
        tail += Math.exp(row[id] - logTotal);
        if (tail > 1 - p) break;
        wanted[id] = Number.NEGATIVE_INFINITY;
      }
      expect(topP(p)(row), `p ${p}, scale ${scale}`).toEqual(wanted);
    }
  });

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
