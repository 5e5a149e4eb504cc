import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from '../errors.ts';
import { readSafetensors } from '../safetensors/read.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { bytesSource } from '../source/bytes-source.ts';
import { hasShared, NEEDS_SHARED, sharedFile, sharedJson } from '../testing/shared.ts';
import { GgufError, type GgufRule } from './errors.ts';
import type { GgufValue } from './metadata.ts';
import { openGguf } from './open.ts';
import {
  buildGguf,
  floatTensor,
  type GgufSpec,
  type TensorSpec,
  type TypedValue,
} from './testing/build-gguf.ts';

const fixture = (name: string) => new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)));
const open = (bytes: Uint8Array, limits?: Parameters<typeof openGguf>[1]) =>
  openGguf(bytesSource(bytes), limits);

/** Compares the bits, so that −0 and NaN count too. */
function expectSameBits(actual: ArrayLike<number>, expected: ArrayLike<number>, name: string): void {
  const bits = (values: ArrayLike<number>) => new Uint32Array(Float32Array.from(values).buffer);
  expect(bits(actual), name).toEqual(bits(expected));
}

async function refusal(bytes: Uint8Array, limits?: Parameters<typeof openGguf>[1]): Promise<GgufError> {
  try {
    await open(bytes, limits);
  } catch (error) {
    if (error instanceof GgufError) return error;
    throw error;
  }
  throw new Error('The file was opened.');
}

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => i + 0.5);
const x: TensorSpec = floatTensor('x', [2, 3], numbers(6));
const y: TensorSpec = floatTensor('y', [4], numbers(4));

describe('openGguf', () => {
  it('dequantises each block type as Python’s gguf does, to the bit', async () => {
    const gguf = await open(fixture('types.gguf'));
    const { tensors } = readSafetensors(fixture('types.safetensors'));
    expect([...gguf.tensors.keys()].sort()).toEqual([...tensors.keys()].sort());
    for (const [name, { shape, data }] of tensors) {
      expect(gguf.tensors.get(name)).toMatchObject({ shape, storedAs: name, dtype: 'float32' });
      const tensor = await gguf.read(name);
      expect(tensor.shape).toEqual(shape);
      expectSameBits(tensor.data, data, name);
    }
  });

  it('dequantises a tensor of several pieces as one', async () => {
    const rows = 300_000; // of one Q8_0 block of 34 bytes: 10.2 MB
    const header = buildGguf({
      tensors: [{ name: 'x', dims: [32, rows], type: 8, data: new Uint8Array(0) }],
    });
    const file = new Uint8Array(header.length + 34 * rows);
    file.set(header);
    for (let row = 0; row < rows; row++) {
      file.set([0, 0x3c, row & 127, (row >> 7) & 127, row >> 14], header.length + 34 * row); // scale 1
    }
    const { data } = await (await open(file)).read('x');
    for (let row = 0; row < rows; row++) {
      const [a, b, c] = data.subarray(32 * row, 32 * row + 3);
      if (a + 128 * b + 2 ** 14 * c !== row) expect.fail(`row ${row} is [${[a, b, c]}, …]`);
    }
  });

  it('reads metadata of every type', async () => {
    const array = (of: TypedValue['type'], ...value: TypedValue[]): TypedValue => ({
      type: 'array',
      of,
      value,
    });
    const cases: [TypedValue, GgufValue][] = [
      [{ type: 'u8', value: 255 }, 255],
      [{ type: 'i8', value: -128 }, -128],
      [{ type: 'u16', value: 65535 }, 65535],
      [{ type: 'i16', value: -32768 }, -32768],
      [{ type: 'u32', value: 2 ** 32 - 1 }, 2 ** 32 - 1],
      [{ type: 'i32', value: -(2 ** 31) }, -(2 ** 31)],
      [{ type: 'u64', value: 2n ** 53n - 1n }, 2 ** 53 - 1],
      [{ type: 'u64', value: 2n ** 64n - 1n }, 2n ** 64n - 1n],
      [{ type: 'i64', value: -(2n ** 63n) }, -(2n ** 63n)],
      [{ type: 'i64', value: -7n }, -7],
      [{ type: 'f32', value: 0.5 }, 0.5],
      [{ type: 'f64', value: 0.1 }, 0.1],
      [{ type: 'bool', value: true }, true],
      [{ type: 'string', value: 'Größe 😀\u0000' }, 'Größe 😀\u0000'],
      [{ type: 'string', value: '' }, ''],
      [array('i16', { type: 'i16', value: -2 }, { type: 'i16', value: 3 }), Int16Array.of(-2, 3)],
      [array('f64', { type: 'f64', value: 0.1 }), Float64Array.of(0.1)],
      [array('u64', { type: 'u64', value: 2n ** 60n }, { type: 'u64', value: 1n }), [2n ** 60n, 1]],
      [array('bool', { type: 'bool', value: false }), [false]],
      [array('string', { type: 'string', value: 'a' }, { type: 'string', value: '' }), ['a', '']],
      [array('array', array('u8', { type: 'u8', value: 9 }), array('string')), [Uint8Array.of(9), []]],
    ];
    const metadata = cases.map(([value], i) => [`key ${i}`, value] as const);
    for (const version of [2, 3]) {
      const gguf = await open(buildGguf({ version, metadata }));
      expect(gguf.version).toBe(version);
      for (const [i, [, expected]] of cases.entries()) {
        expect(gguf.metadata[`key ${i}`], `key ${i}`).toEqual(expected);
      }
    }
  });

  it('takes a key that JavaScript objects treat specially', async () => {
    const { metadata } = await open(buildGguf({ metadata: [['__proto__', { type: 'u8', value: 1 }]] }));
    expect(Object.keys(metadata)).toEqual(['__proto__']);
  });

  it('reads tensors row-major, aligned as the metadata say, and only those that are asked for', async () => {
    const bytes = buildGguf({ tensors: [x, y] });
    const reads: [number, number][] = [];
    const inner = bytesSource(bytes);
    const source: ByteSource = {
      ...inner,
      readAt: (offset, length) => {
        reads.push([offset, length]);
        return inner.readAt(offset, length);
      },
    };
    const gguf = await openGguf(source);
    reads.length = 0;
    expect(await gguf.read('y')).toEqual({ dtype: 'float32', shape: [4], data: numbers(4) });
    expect(reads).toEqual([[bytes.length - 32, 16]]);
    expect(await gguf.read('x')).toEqual({ dtype: 'float32', shape: [2, 3], data: numbers(6) });
    await expect(gguf.read('z')).rejects.toThrow('has none "z"');
  });

  it('reads a header that is longer than the first piece', async () => {
    const value = 'v'.repeat(300_000);
    const metadata = ['a', 'b', 'c', 'd', 'e'].map((key) => [key, { type: 'string', value }] as const);
    const gguf = await open(buildGguf({ metadata, tensors: [x] }));
    expect(gguf.metadata.e).toBe(value);
    expect((await gguf.read('x')).data).toEqual(numbers(6));
  });
});

describe.skipIf(!hasShared)(`golden values of Python’s gguf ${NEEDS_SHARED}`, () => {
  interface Golden {
    readonly metadata: readonly { readonly key: string; readonly type: string; readonly value: unknown }[];
    readonly tensors: Readonly<
      Record<string, { ggml_type: string; shape_row_major: number[]; bytes: number }>
    >;
  }
  const golden = () => sharedJson<Golden>('golden/gguf/types.json');

  it('tensors of every type, to the bit', async () => {
    const gguf = await open(sharedFile('golden/gguf/types.gguf'));
    const { tensors } = readSafetensors(sharedFile('golden/gguf/types.safetensors'));
    expect([...gguf.tensors.keys()]).toEqual(Object.keys(golden().tensors));
    for (const [name, { ggml_type, shape_row_major, bytes }] of Object.entries(golden().tensors)) {
      expect(gguf.tensors.get(name)).toMatchObject({
        shape: shape_row_major,
        storedAs: ggml_type,
        storedBytes: bytes,
      });
      const { data } = await gguf.read(name);
      expectSameBits(data, tensors.get(`value.${name}`)?.data ?? [], name);
    }
  });

  it('metadata of every type', async () => {
    const { metadata } = await open(sharedFile('golden/gguf/types.gguf'));
    const plain = (value: unknown): unknown => {
      if (ArrayBuffer.isView(value)) return Array.from(value as Int32Array);
      return Array.isArray(value) ? value.map(plain) : value;
    };
    for (const { key, type, value } of golden().metadata) {
      const expected = type.endsWith('INT64')
        ? BigInt(value as string)
        : type.startsWith('FLOAT')
          ? Number(value)
          : value;
      const actual = plain(metadata[key]);
      expect(typeof expected === 'bigint' ? BigInt(actual as number | bigint) : actual, key).toEqual(
        expected,
      );
    }
  });
});

describe('a file that breaks a rule is refused, and the error names rule and tensor', () => {
  const noData = new Uint8Array(0);
  const tensor = (fields: Partial<TensorSpec>): GgufSpec => ({ tensors: [{ ...x, ...fields }] });
  const entry = (...metadata: [string, TypedValue][]): GgufSpec => ({ metadata });
  const nested = (depth: number): TypedValue => ({
    type: 'array',
    of: depth === 0 ? 'u8' : 'array',
    value: depth === 0 ? [] : [nested(depth - 1)],
  });
  const huge = 2n ** 50n;
  const cases: [title: string, file: GgufSpec | Uint8Array, rule: GgufRule, tensorOrKey?: string][] = [
    ['empty', noData, 'truncated'],
    ['another format', new TextEncoder().encode('GGML, an older one'), 'magic'],
    ['version 1', { version: 1 }, 'version'],
    ['version 4', { version: 4 }, 'version'],
    ['big-endian', { version: 3 << 24 }, 'version'],
    ['more tensors than fit', { ...tensor({}), tensorCount: 2n ** 63n }, 'count'],
    ['more metadata than fit', { ...tensor({}), metadataCount: 2n ** 64n - 1n }, 'count'],
    ['no UTF-8', entry(['k', { type: 'string', value: Uint8Array.of(0xff) }]), 'string', 'k'],
    ['BOOL of 2', withByteBehind('k', { type: 'bool', value: true }, 2), 'metadata value', 'k'],
    ['unknown value type', withByteBehind('k', { type: 'u8', value: 1 }, 99, 4), 'metadata type', 'k'],
    ['array of nothing known', withByteBehind('k', nested(0), 77, 4 + 8), 'metadata type', 'k'],
    ['array longer than the file', withByteBehind('k', nested(0), 0xff, 3), 'count', 'k'],
    ['arrays nested too deep', entry(['k', nested(8)]), 'array depth', 'k'],
    ['key twice', entry(['k', nested(0)], ['k', nested(0)]), 'metadata key', 'k'],
    [
      'alignment no power of two',
      entry(['general.alignment', { type: 'u32', value: 24 }]),
      'alignment',
      'general.alignment',
    ],
    [
      'alignment of 0',
      entry(['general.alignment', { type: 'u32', value: 0 }]),
      'alignment',
      'general.alignment',
    ],
    [
      'alignment no number',
      entry(['general.alignment', { type: 'string', value: '32' }]),
      'alignment',
      'general.alignment',
    ],
    ['name twice', { tensors: [x, x] }, 'tensor name', 'x'],
    ['five dimensions', tensor({ dims: [1, 1, 1, 1, 1] }), 'shape', 'x'],
    ['gigantic', tensor({ dims: [huge, huge] }), 'shape', 'x'],
    ['gigantic times nothing', tensor({ dims: [0, 2n ** 63n] }), 'shape', 'x'],
    ['larger than the file', tensor({ dims: [2 ** 20, 2 ** 20] }), 'offset', 'x'],
    ['rows of half a block', tensor({ dims: [16, 2], type: 2 }), 'shape', 'x'],
    ['type that is not read', tensor({ dims: [256], type: 16 }), 'tensor type', 'x'],
    ['type that does not exist', tensor({ type: 1234 }), 'tensor type', 'x'],
    ['offset behind the file', tensor({ offset: 2 ** 40 }), 'offset', 'x'],
    ['offset behind any file', tensor({ offset: 2n ** 64n - 32n }), 'offset', 'x'],
    ['offset not aligned', tensor({ dims: [1], offset: 4 }), 'offset', 'x'],
    [
      'overlap',
      {
        tensors: [
          { ...x, dims: [16] },
          { ...y, offset: 32 },
        ],
      },
      'overlap',
      'y',
    ],
    ['same place', { tensors: [x, { ...y, offset: 0 }] }, 'overlap', 'x'],
  ];

  /** A file of one entry with the byte so far before the end of the header replaced; the data section is empty. */
  function withByteBehind(key: string, value: TypedValue, byte: number, back = 0): Uint8Array {
    const file = buildGguf({ metadata: [[key, value]] });
    const lengths: Record<string, number> = { bool: 1, u8: 1, array: 12 };
    const end = 24 + 8 + key.length + 4 + lengths[value.type];
    file[end - 1 - back] = byte;
    return file;
  }

  it.each(cases)('%s', async (_, file, rule, tensorOrKey) => {
    const error = await refusal(file instanceof Uint8Array ? file : buildGguf(file));
    expect(error.rule, error.message).toBe(rule);
    expect(error.tensor ?? error.key).toBe(tensorOrKey);
    if (tensorOrKey !== undefined) expect(error.message).toContain(JSON.stringify(tensorOrKey));
  });

  it('names the type that it does not read', async () => {
    expect((await refusal(buildGguf(tensor({ dims: [256], type: 16 })))).message).toContain('IQ2_XXS');
  });

  it('a header beyond the caller’s limit', async () => {
    const error = await refusal(buildGguf({ tensors: [x] }), { maxHeaderBytes: 40 });
    expect(error).toMatchObject({ rule: 'header limit' });
    expect(error.message).toContain('40 bytes (maxHeaderBytes)');
  });

  it('an integer that int32 cannot hold, when it is read', async () => {
    const data = new Uint8Array(BigInt64Array.of(2n ** 40n).buffer);
    const gguf = await open(buildGguf({ tensors: [{ name: 'big', dims: [1], type: 27, data }] }));
    await expect(gguf.read('big')).rejects.toMatchObject({ rule: 'values', tensor: 'big' });
  });

  const whole = fixture('types.gguf');

  it('truncated at any byte, by a rule', async () => {
    const end = whole.length - 24; // the padding behind the last tensor is not missed
    for (let length = 0; length < end; length++) await refusal(whole.subarray(0, length));
  });

  it('whatever bytes change, it is read or refused, and nothing else happens', async () => {
    const edit = fc.record({ at: fc.nat(736), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, byte } of edits) bytes[at] = byte;
        try {
          const gguf = await open(bytes);
          for (const name of gguf.tensors.keys()) await gguf.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(CheckpointError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('whatever the header claims of two tensors, they lie apart within the file or are refused', async () => {
    const size = fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(0n, 2n ** 64n - 1n));
    const claim = fc.record({
      dims: fc.array(size, { maxLength: 5 }),
      type: fc.constantFrom(0, 1, 2, 8, 12, 24, 27, 30),
      offset: fc.oneof(fc.constantFrom(0n, 32n, 64n), size),
    });
    await fc.assert(
      fc.asyncProperty(claim, claim, async (a, b) => {
        const data = new Uint8Array(64);
        const bytes = buildGguf({
          tensors: [
            { name: 'a', data, ...a },
            { name: 'b', data, ...b },
          ],
        });
        try {
          const gguf = await open(bytes);
          const stored = [...gguf.tensors.values()].reduce((total, info) => total + info.storedBytes, 0);
          expect(stored).toBeLessThanOrEqual(128);
          for (const name of gguf.tensors.keys()) await gguf.read(name);
        } catch (error) {
          expect(error).toBeInstanceOf(GgufError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
