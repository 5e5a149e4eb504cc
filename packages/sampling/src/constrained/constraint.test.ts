import '@tensorflow/tfjs-backend-cpu';
import { ConfigError, Rng } from '@minigpt/core';
import { characterTokenizer } from '@minigpt/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generate } from '../generate.ts';
import { multinomial } from '../sampler.ts';
import { ToyModel } from '../testing/toy-model.ts';
import { Automaton, DEAD } from './automaton.ts';
import { Constraint } from './constraint.ts';
import { ConstraintSizeError, JsonSchemaError, NoContinuationError, PatternError } from './errors.ts';
import { partialMatch, wholeMatch } from './pattern.ts';
import { TokenTrie } from './token-trie.ts';
import { utf8Sequences } from './utf8.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);

function tokenizerOf(tokens: readonly Uint8Array[], special: readonly string[] = []) {
  const specialTokens = new Map(special.map((token, i) => [token, tokens.length + i]));
  return {
    vocabSize: tokens.length + special.length,
    specialTokens,
    vocabulary: () => new Map([...tokens.map((_, id) => [`token ${id}`, id] as const), ...specialTokens]),
    tokenBytes: (id: number) => tokens[id] ?? utf8(special[id - tokens.length]),
  };
}

const pieces = [
  '", "',
  '":',
  '{"',
  '"}',
  '[]',
  '],',
  'true',
  'null',
  ' ',
  'ab',
  'abc',
  '12',
  'é',
  '😀',
  '',
  'a',
];
const straddling = [
  [0x61, 0xc3],
  [0xa9, 0x61],
  [0xf0, 0x9f],
  [0x98, 0x80, 0x22],
  [0x22, 0xc3],
];
const everyByte = tokenizerOf(
  [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...pieces.map(utf8),
    ...straddling.map((bytes) => Uint8Array.from(bytes)),
  ],
  ['<end>', '"'],
);
const END = everyByte.specialTokens.get('<end>') as number;
const closing = [
  END,
  ...['"', ']', '}', '"}', 'a', 'b', 'n', '\\', '1', '.', 'é', '😀'].map((text) => idOf(text)),
];

function idOf(text: string): number {
  const wanted = utf8(text).join();
  const count = everyByte.vocabSize - everyByte.specialTokens.size;
  return Array.from({ length: count }, (_, id) => id).findIndex(
    (id) => everyByte.tokenBytes(id).join() === wanted,
  );
}

function textOf(ids: readonly number[]): string {
  const bytes = ids.flatMap((id) => [...everyByte.tokenBytes(id)]);
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** A text drawn from random logits, which after a while lean to closing what is open; a run that does not end is skipped. */
function draw(constraint: Constraint, seed: number): string {
  const prompt = [7, END, 3];
  const process = constraint.after(prompt.length);
  const rng = new Rng(seed);
  const ids = [...prompt];
  for (let step = 0; step < 400; step++) {
    const logits = rng.fold('logits').fold(step).normal(everyByte.vocabSize);
    for (const id of closing) logits[id] += Math.max(0, step - 40) / 4;
    const id = multinomial(process(logits, ids), rng.fold(step));
    if (id === END) return textOf(ids.slice(prompt.length));
    ids.push(id);
  }
  fc.pre(false);
}

function accepts(automaton: Automaton, bytes: Iterable<number>): boolean {
  let state = automaton.start;
  for (const byte of bytes) {
    state = automaton.next(state, byte);
    if (state === DEAD) return false;
  }
  return automaton.accepts(state);
}

function allowedBy(constraint: Constraint, ids: readonly number[]): number[] {
  const row = constraint.after(0)(new Float32Array(everyByte.vocabSize), ids);
  return [...row.keys()].filter((id) => row[id] === 0);
}

const atoms = [
  'a',
  'b',
  'é',
  '😀',
  '[a-c]',
  '[^x"\\s]',
  '\\d',
  '.',
  '\\.',
  '[é-ü-]',
  '\\u0061',
  '[\\w\\]]',
  '\\x09',
];
const patterns = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...atoms),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('pattern'), fc.constantFrom('?', '*', '+', '{2}', '{0,2}', '{1,}'))
      .map(([a, q]) => `(${a})${q}`),
  ),
})).pattern;
const texts = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', 'é', '😀', '.', '1', '-', ']', '\t'),
  maxLength: 6,
});

type Schema = true | Readonly<Record<string, unknown>>;
const names = fc.constantFrom('a', 'ab', 'é"\\', 'b');
const schemas = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(...['number', 'integer', 'boolean', 'null'].map((type) => ({ type }))),
    fc.constantFrom<Schema>(
      true,
      { type: ['string', 'null'], maxLength: 2 },
      { type: 'string', minLength: 3, maxLength: 5 },
      { type: 'string', minLength: 2 },
      { pattern: '^[^b]{1,3}$' },
      { pattern: '\\n"|\\\\' },
    ),
    fc
      .array(fc.jsonValue({ maxDepth: 2 }), { minLength: 1, maxLength: 3 })
      .map((values) => ({ enum: values })),
    fc.jsonValue({ maxDepth: 2 }).map((value) => ({ const: value })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    fc
      .tuple(tie('schema'), fc.nat(2), fc.option(fc.nat(2), { nil: undefined }))
      .map(([items, minItems, more]) => ({
        type: 'array',
        items,
        minItems,
        ...(more === undefined ? {} : { maxItems: minItems + more }),
      })),
    fc
      .tuple(
        fc.dictionary(names, tie('schema'), { maxKeys: 3 }),
        fc.uniqueArray(names, { maxLength: 2 }),
        fc.option(tie('schema'), { nil: undefined }),
      )
      .map(([properties, wanted, additionalProperties]) => ({
        type: 'object',
        properties,
        required: additionalProperties ? wanted : wanted.filter((name) => name in properties),
        ...(additionalProperties && { additionalProperties }),
      })),
  ),
})).schema;

/** A slow and separate reading of the standard, for the keywords above. */
function isValid(schema: Schema, value: unknown): boolean {
  if (schema === true) return true;
  const {
    type,
    anyOf,
    items,
    properties,
    required,
    additionalProperties = false,
  } = schema as {
    type?: string | string[];
    anyOf?: Schema[];
    items?: Schema;
    properties?: Record<string, Schema>;
    required?: string[];
    additionalProperties?: Schema | false;
  };
  const rules = schema as Readonly<Record<string, number>> & { pattern?: string; enum?: unknown[] };
  const within = (length: number, what: string) =>
    length >= (rules[`min${what}`] ?? 0) && length <= (rules[`max${what}`] ?? Number.POSITIVE_INFINITY);
  const name = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const actual = Number.isInteger(value) ? ['number', 'integer'] : [name];
  const same = (other: unknown) => JSON.stringify(other) === JSON.stringify(value);
  return [
    type === undefined || [type].flat().some((wanted) => actual.includes(wanted)),
    anyOf === undefined || anyOf.some((option) => isValid(option, value)),
    rules.enum === undefined || rules.enum.some(same),
    !('const' in schema) || same(schema.const),
    typeof value !== 'string' ||
      (within([...value].length, 'Length') && new RegExp(rules.pattern ?? '', 'u').test(value)),
    !Array.isArray(value) ||
      (within(value.length, 'Items') && value.every((item) => isValid(items ?? true, item))),
    properties === undefined ||
      name !== 'object' ||
      ((required ?? []).every((key) => Object.hasOwn(value as object, key)) &&
        Object.entries(value as object).every(([key, member]) => {
          const rule = Object.hasOwn(properties, key) ? properties[key] : additionalProperties;
          return rule !== false && isValid(rule, member);
        })),
  ].every(Boolean);
}

describe('constraints', () => {
  it('let random logits write only what a pattern matches', () => {
    fc.assert(
      fc.property(patterns, fc.nat(), (pattern, seed) => {
        const text = draw(Constraint.pattern(pattern, everyByte, [END]), seed);
        expect(text).toMatch(new RegExp(`^(?:${pattern})$`, 'u'));
      }),
      { numRuns: 60 },
    );
  });

  it('let random logits write only JSON that its schema allows', () => {
    fc.assert(
      fc.property(schemas, fc.boolean(), fc.nat(), (schema, spaces, seed) => {
        const text = draw(Constraint.json(schema, everyByte, [END], { spaces }), seed);
        const value: unknown = JSON.parse(text);
        expect(isValid(schema, value), `${JSON.stringify(schema)} ${text}`).toBe(true);
        if (!spaces) expect(text.replaceAll(/"(?:[^"\\]|\\.)*"/gu, '')).not.toContain(' ');
      }),
      { numRuns: 60 },
    );
  });

  it('of a choice allow what brute force over the vocabulary finds, characters split or not', () => {
    fc.assert(
      fc.property(fc.uniqueArray(texts, { minLength: 1, maxLength: 5 }), fc.nat(), (choices, seed) => {
        const constraint = Constraint.choice(choices, everyByte, [END]);
        const written = choices.map((text) => utf8(text).join());
        const ids: number[] = [];
        for (const rng = new Rng(seed); ; ) {
          const so = ids.flatMap((id) => [...everyByte.tokenBytes(id)]);
          const expected = Array.from({ length: END }, (_, id) => id).filter((id) => {
            const bytes = everyByte.tokenBytes(id);
            const longer = [...so, ...bytes].join();
            return (
              bytes.length > 0 && written.some((text) => text === longer || text.startsWith(`${longer},`))
            );
          });
          if (written.includes(so.join())) expected.push(END);
          expect(allowedBy(constraint, ids)).toEqual(expected);
          const id = expected[Math.floor(rng.fold(ids.length).unit() * expected.length)];
          if (id === END) break;
          ids.push(id);
        }
        expect(choices).toContain(textOf(ids));
      }),
      { numRuns: 40 },
    );
  });

  it('of a pattern allow the tokens that its automaton reads one by one', () => {
    fc.assert(
      fc.property(patterns, (pattern) => {
        const automaton = new Automaton(wholeMatch(pattern));
        const found = new TokenTrie(everyByte).allowed(automaton, automaton.start);
        const expected = Array.from({ length: END }, (_, id) => id).filter((id) => {
          let state = automaton.start;
          for (const byte of everyByte.tokenBytes(id))
            if (state !== DEAD) state = automaton.next(state, byte);
          return state !== DEAD && everyByte.tokenBytes(id).length > 0;
        });
        expect(found.sort((a, b) => a - b)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('end a text of generate, whatever its model would say', async () => {
    const model = new ToyModel({ vocabSize: everyByte.vocabSize, blockSize: 64 });
    const schema = {
      properties: { ok: { type: 'boolean' }, who: { enum: ['é', '😀'] } },
      required: ['ok', 'who'],
    };
    const constraint = Constraint.json(schema, everyByte, [END]);
    const ids: number[] = [];
    const processors = [constraint.after(2)];
    for await (const { id } of generate(model, [1, 2], { endIds: [END], processors })) ids.push(id);
    expect(ids.pop()).toBe(END);
    expect(textOf(ids)).toMatch(/^\{"ok":(true|false),"who":"(é|😀)"\}$/u);
    model.table.dispose();
  });

  it('write JSON as Python does, with spaces', () => {
    const schema = { const: { a: [1, 'x,y'], b: {}, c: null } };
    const expected = '{"a": [1, "x,y"], "b": {}, "c": null}';
    expect(draw(Constraint.json(schema, everyByte, [END], { spaces: true }), 0)).toBe(expected);
  });

  it('never give an additional property the name of a stated one', () => {
    const constraint = Constraint.json(
      { properties: { a: { type: 'null' } }, additionalProperties: { type: 'integer' } },
      everyByte,
      [END],
    );
    const after = (text: string) => allowedBy(constraint, [...utf8(text)]);
    expect(after('{"a')).toContain(idOf('b'));
    expect(after('{"a"')).toEqual([idOf(':')]);
    expect(after('{"a":')).toEqual([idOf('n'), idOf('null')].sort((a, b) => a - b));
    expect(after('{"b":1,"a')).not.toContain(idOf('"'));
    expect(after('{"b":1,"ab')).toContain(idOf('"'));
  });

  it('say when no token goes on', () => {
    const few = tokenizerOf([utf8('a'), utf8('b')], ['<end>']);
    const constraint = Constraint.choice(['ac'], few, [2]);
    const row = new Float32Array(3);
    expect(constraint.after(1)(row, [1])).toEqual(Float32Array.of(0, -Infinity, -Infinity));
    expect(() => constraint.after(1)(row, [1, 0])).toThrow(NoContinuationError);
    expect(() => constraint.after(0)(row, [1])).toThrow('"b"');
    expect(() => constraint.after(0)(row, [0, 2])).toThrow(NoContinuationError);
  });

  it('take a tokenizer as it is, and an end id as an end only', () => {
    const tokenizer = characterTokenizer.train('01:\n');
    const [end] = tokenizer.encode('\n');
    const process = Constraint.pattern('[01]{2}:[01]|\\n', tokenizer, [end]).after(1);
    const allowed = (text: string) => {
      const row = process(new Float32Array(tokenizer.vocabSize), tokenizer.encode(`1${text}`));
      return tokenizer.decode([...row.keys()].filter((id) => row[id] === 0));
    };
    expect(['', '0', '01', '01:', '01:1'].map(allowed)).toEqual(['01', '01', ':', '01', '\n']);
  });

  it('rule out ids without a token', () => {
    const row = Constraint.pattern('.*', everyByte, [END]).after(0)(new Float32Array(1000), []);
    expect(row.subarray(everyByte.vocabSize).every((logit) => logit === -Infinity)).toBe(true);
  });

  it('refuse what allows nothing, has no end, or is too large', () => {
    expect(() => Constraint.choice([], everyByte, [END])).toThrow(ConfigError);
    expect(() => Constraint.pattern('a[]', everyByte, [END])).toThrow(ConfigError);
    expect(() => Constraint.pattern('a', everyByte, [])).toThrow(ConfigError);
    expect(() => Constraint.pattern('a', everyByte, [END]).after(-1)).toThrow(ConfigError);
    expect(() => Constraint.pattern('((a{1000}){1000}){1000}', everyByte, [END])).toThrow(
      ConstraintSizeError,
    );
    expect(() => {
      const automaton = new Automaton(wholeMatch('(a|b)*a(a|b){20}')); // 2^21 deterministic states
      const rng = new Rng(0);
      for (let state = automaton.start, i = 0; i < 100_000; i++)
        state = automaton.next(state, rng.fold(i).unit() < 0.5 ? 97 : 98);
    }).toThrow(ConstraintSizeError);
  });

  it.each([
    ['(?=a)', 0, 'a lookahead'],
    ['(?!a)', 0, 'a negative lookahead'],
    ['(?<=a)', 0, 'a lookbehind'],
    ['(?<!a)', 0, 'a negative lookbehind'],
    ['(?<n>a)', 0, 'a named group'],
    ['(?i:a)', 0, 'a group with modifiers'],
    ['(a)\\1', 3, 'a backreference'],
    ['a\\b', 1, 'a word boundary'],
    ['\\p{L}', 0, 'a Unicode property'],
    ['a+?', 1, 'a lazy quantifier'],
    ['a**', 2, 'a quantifier of nothing'],
    ['a^', 1, 'an anchor'],
    ['(a$)', 2, 'an anchor'],
    ['a$b', 2, 'an anchor'],
    ['(a', 0, 'a ( without its )'],
    ['a)', 1, 'a ) without its ('],
    ['[a', 0, 'a [ without its ]'],
    ['a{,2}', 1, 'an unescaped {'],
    ['a]', 1, 'an unescaped ]'],
    ['a{2,1}', 1, 'a quantifier out of order'],
    ['[b-a]', 0, 'a range out of order'],
    ['[\\d-z]', 0, 'a range between classes'],
    ['\\ud800', 0, 'the escape \\u'],
    ['\\cA', 0, 'the escape \\c'],
    ['a\\', 1, 'a \\ at its end'],
    ['('.repeat(101), 100, 'groups more than 100 deep'],
  ])('refuse the pattern %s by name', (pattern, index, feature) => {
    const parse = () => wholeMatch(pattern);
    expect(parse).toThrow(PatternError);
    expect(parse).toThrow(expect.objectContaining({ index, feature: expect.stringContaining(feature) }));
  });

  it.each<[unknown, string]>([
    [{ type: 'integer', minimum: 3 }, '#/minimum'],
    [{ properties: { a: { $ref: '#' } } }, '#/properties/a/$ref'],
    [{ type: 'text' }, '#/type'],
    [{ type: [] }, '#/type'],
    [3, '#'],
    [false, '#'],
    [{ items: [{}] }, '#/items'],
    [{ anyOf: [] }, '#/anyOf'],
    [{ anyOf: [{}], minItems: 1 }, '#/minItems'],
    [{ enum: 3 }, '#/enum'],
    [{ enum: ['a'], pattern: 'b' }, '#/pattern'],
    [{ type: 'string', const: 3 }, '#'],
    [{ const: Number.NaN }, '#'],
    [{ properties: [] }, '#/properties'],
    [{ properties: {}, required: ['a'] }, '#/required'],
    [{ required: 'a' }, '#/required'],
    [{ minLength: -1 }, '#/minLength'],
    [{ maxItems: '3' }, '#/maxItems'],
    [{ minItems: 3, maxItems: 2 }, '#/maxItems'],
    [{ pattern: 3 }, '#/pattern'],
    [{ pattern: 'a', maxLength: 3 }, '#/pattern'],
    [Array.from({ length: 40 }).reduce((items) => ({ items }), {}), `#${'/items'.repeat(33)}`],
  ])('refuse the schema %j by its path', (schema, path) => {
    const read = () => Constraint.json(schema, everyByte, [END]);
    expect(read).toThrow(JsonSchemaError);
    expect(read).toThrow(expect.objectContaining({ path }));
  });
});

describe('Automaton', () => {
  it('accepts exactly what RegExp matches', () => {
    fc.assert(
      fc.property(patterns, fc.array(texts, { minLength: 20, maxLength: 20 }), (pattern, candidates) => {
        const whole = new Automaton(wholeMatch(`^${pattern}$`));
        const partial = new Automaton(partialMatch(`${pattern}$|^\\.`));
        for (const text of candidates) {
          expect(accepts(whole, utf8(text))).toBe(new RegExp(`^(?:${pattern})$`, 'u').test(text));
          expect(accepts(partial, utf8(text))).toBe(new RegExp(`${pattern}$|^\\.`, 'u').test(text));
        }
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    '\\d',
    '\\D',
    '\\w',
    '\\W',
    '\\s',
    '\\S',
    '.',
    '[^\\d\\s]',
    '\\0',
    '[\\n\\t-\\f]',
    '\\u{1f600}',
    '[-/]',
  ])('reads %s as RegExp does', (pattern) => {
    const automaton = new Automaton(wholeMatch(pattern));
    const expected = new RegExp(`^${pattern}$`, 'u');
    for (let code = 0; code < 0x11000; code++) {
      if (code >= 0x300 && code < 0x1600) continue;
      if (code >= 0x3100 && code < 0xfe00) continue;
      const character = String.fromCodePoint(code);
      if (accepts(automaton, utf8(character)) !== expected.test(character))
        expect.fail(`U+${code.toString(16)}`);
    }
  });
});

it('utf8Sequences covers the characters of a range and no others', () => {
  const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 });
  fc.assert(
    fc.property(fc.nat(0x10ffff), fc.nat(0x10ffff), character, (a, b, inside) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      const sequences = utf8Sequences([low, high]);
      for (const text of [inside, low, low - 1, high, high + 1]) {
        const code = typeof text === 'string' ? (text.codePointAt(0) as number) : text;
        if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) continue;
        const bytes = utf8(String.fromCodePoint(code));
        const matching = sequences.filter(
          (ranges) =>
            ranges.length === bytes.length &&
            ranges.every(([from, to], i) => from <= bytes[i] && bytes[i] <= to),
        );
        expect(matching).toHaveLength(low <= code && code <= high ? 1 : 0);
      }
    }),
  );
});
