import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafetensorsError, type SafetensorsRule } from '../errors.ts';
import { readSafetensors } from './read.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url));
const dtypes = Uint8Array.from(fixture('dtypes.safetensors'));

/** A file with this header, as given or as JSON, and `dataBytes` bytes of data. */
function file(header: unknown, dataBytes = 0): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const f32 = (begin: number, end: number, shape: unknown = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

function refusal(bytes: Uint8Array): SafetensorsError {
  try {
    readSafetensors(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) return error;
    throw error;
  }
  throw new Error('The file was read.');
}

describe('readSafetensors', () => {
  it('reads every dtype that Python wrote, and the metadata', () => {
    const expected = JSON.parse(fixture('dtypes.json').toString()) as Record<
      string,
      { dtype: string; shape: number[]; values: (number | string)[] }
    >;
    const { tensors, metadata } = readSafetensors(dtypes);
    expect(metadata).toEqual({ format: 'pt' });
    expect([...tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { dtype, shape, values }] of Object.entries(expected)) {
      const tensor = tensors.get(name);
      expect(tensor?.dtype, name).toBe(dtype);
      expect(tensor?.shape, name).toEqual(shape);
      expect([...(tensor?.data ?? [])], name).toEqual(values.map(Number));
    }
  });

  it('reads the same values at any alignment', () => {
    const expected = readSafetensors(dtypes);
    for (let shift = 1; shift < 8; shift++) {
      const shifted = new Uint8Array(dtypes.length + shift);
      shifted.set(dtypes, shift);
      expect(readSafetensors(shifted.subarray(shift))).toEqual(expected);
    }
  });

  it('widens a float16 NaN to NaN', () => {
    const bytes = file({ x: { dtype: 'F16', shape: [1], data_offsets: [0, 2] } }, 2);
    bytes.set([0x01, 0x7c], bytes.length - 2);
    expect(readSafetensors(bytes).tensors.get('x')?.data[0]).toBeNaN();
  });

  it('takes a name that JavaScript objects treat specially', () => {
    const { tensors } = readSafetensors(
      file('{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}', 4),
    );
    expect([...tensors.keys()]).toEqual(['__proto__']);
  });

  it('takes an empty file of no tensors', () => {
    expect(readSafetensors(file('{}  ')).tensors.size).toBe(0);
  });
});

describe('a file that breaks a rule is refused, and the error names rule and tensor', () => {
  const big = 2 ** 52;
  const cases: [title: string, bytes: Uint8Array, rule: SafetensorsRule, tensor?: string][] = [
    ['empty', new Uint8Array(0), 'header length'],
    ['header longer than the file', file('{}').subarray(0, 9), 'header length'],
    ['header beyond the limit', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 255, 0), 'header length'],
    ['no JSON', file('{"x":'), 'header JSON'],
    ['no object', file('[]'), 'header JSON'],
    ['leading space', file(' {}'), 'header JSON'],
    ['not UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d), 'header JSON'],
    ['name twice', file('{"x":{"dtype":"F32"},"\\u0078":{}}'), 'unique names', 'x'],
    ['field twice', file('{"x":{"dtype":"F32","dtype":"F32"}}'), 'unique names'],
    ['half a surrogate pair', file('{"\\ud800":{}}'), 'tensor name', '\ud800'],
    ['metadata not strings', file({ __metadata__: { a: 1 } }), 'metadata'],
    ['metadata null', file({ __metadata__: null }), 'metadata'],
    ['entry no object', file({ x: [1] }), 'tensor entry', 'x'],
    ['dtype unknown', file({ x: { ...f32(0, 4), dtype: 'F8_E4M3' } }, 4), 'dtype', 'x'],
    ['dtype inherited', file({ x: { ...f32(0, 4), dtype: 'toString' } }, 4), 'dtype', 'x'],
    ['shape missing', file({ x: { dtype: 'F32', data_offsets: [0, 4] } }, 4), 'shape', 'x'],
    ['shape negative', file({ x: f32(0, 4, [-1]) }, 4), 'shape', 'x'],
    ['shape fractional', file({ x: f32(0, 4, [0.5, 2]) }, 4), 'shape', 'x'],
    ['shape gigantic', file({ x: f32(0, 4, [big, big]) }, 4), 'shape', 'x'],
    ['shape gigantic times nothing', file({ x: f32(0, 0, [big, big, 0]) }), 'shape', 'x'],
    ['offsets missing', file({ x: { dtype: 'F32', shape: [1] } }, 4), 'data offsets', 'x'],
    ['offsets reversed', file({ x: f32(4, 0, [1]) }, 4), 'data offsets', 'x'],
    ['offsets and shape disagree', file({ x: f32(0, 8, [1]) }, 8), 'data offsets', 'x'],
    ['past the end', file({ x: f32(0, 2 ** 42) }, 4), 'data offsets', 'x'],
    ['overlap', file({ x: f32(0, 8), y: f32(4, 12) }, 12), 'no holes', 'y'],
    ['same place', file({ x: f32(0, 4), y: f32(0, 4) }, 4), 'no holes', 'y'],
    ['hole between', file({ x: f32(0, 4), y: f32(8, 12) }, 12), 'no holes', 'y'],
    ['hole before', file({ x: f32(4, 8) }, 8), 'no holes', 'x'],
    ['data of no tensor', file({ x: f32(0, 4) }, 5), 'no holes'],
    [
      'BOOL of 2',
      file({ x: { dtype: 'BOOL', shape: [1], data_offsets: [0, 1] } }, 1).fill(2, -1),
      'values',
      'x',
    ],
    [
      'int64 beyond int32',
      file({ x: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, 8).fill(1, -8),
      'values',
      'x',
    ],
  ];

  it.each(cases)('%s', (_, bytes, rule, tensor) => {
    const error = refusal(bytes);
    expect(error).toMatchObject({ rule, tensor });
    if (tensor !== undefined) expect(error.message).toContain(JSON.stringify(tensor));
  });

  it('the limit of the header is the caller’s', () => {
    expect(() => readSafetensors(dtypes, { maxHeaderBytes: 16 })).toThrow(/at most 16 bytes/);
  });

  it('truncated at any byte', () => {
    for (let length = 0; length < dtypes.length; length++) refusal(dtypes.subarray(0, length));
  });

  it('whatever bytes change, it is read or refused, and nothing else happens', () => {
    const edit = fc.record({ at: fc.nat(dtypes.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        const bytes = Uint8Array.from(dtypes);
        for (const { at, byte } of edits) bytes[at] = byte;
        try {
          readSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('whatever the header claims, tensors cover the data exactly or are refused', () => {
    const offset = fc.oneof(fc.nat(40), fc.maxSafeInteger(), fc.double());
    const entry = fc.record({
      dtype: fc.constantFrom('F32', 'F64', 'U8', 'I32', 'BF16'),
      shape: fc.array(fc.oneof(fc.nat(6), fc.maxSafeInteger()), { maxLength: 3 }),
      data_offsets: fc.array(offset, { minLength: 1, maxLength: 3 }),
    });
    const header = fc.dictionary(fc.string({ maxLength: 3 }), entry, { maxKeys: 4 });
    fc.assert(
      fc.property(header, fc.nat(40), (claims, dataBytes) => {
        try {
          readSafetensors(file(claims, dataBytes));
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
          return;
        }
        const claimed = Object.values(claims).reduce(
          (total, { data_offsets: [begin, end] }) => total + end - begin,
          0,
        );
        expect(claimed).toBe(dataBytes);
      }),
      { numRuns: 2000 },
    );
  });
});
