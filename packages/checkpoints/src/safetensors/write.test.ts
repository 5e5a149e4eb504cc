import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostTensor } from '@minigpt/core';
import { NEEDS_REFERENCE_DATA, referenceData } from '@minigpt/testing/reference';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SafetensorsError } from '../errors.ts';
import { readSafetensors } from './read.ts';
import { writeSafetensors } from './write.ts';

const reference = referenceData();

const tensor: fc.Arbitrary<HostTensor> = fc
  .tuple(fc.array(fc.nat(3), { maxLength: 3 }), fc.boolean(), fc.integer({ min: -9, max: 9 }))
  .map(([shape, isFloat, first]) => {
    const values = Array.from({ length: shape.reduce((n, size) => n * size, 1) }, (_, i) => first + i);
    return isFloat
      ? { dtype: 'float32', shape, data: Float32Array.from(values, (value) => value / 3) }
      : { dtype: 'int32', shape, data: Int32Array.from(values) };
  });
const name = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('h.0.attn', '0', '10', '__proto__', '"'),
);

describe('writeSafetensors', () => {
  it('gives back what it was given, and the same bytes again', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, tensor), { maxLength: 6 }), (entries) => {
        const tensors = new Map(entries);
        const bytes = writeSafetensors(tensors, { format: 'pt' });
        const back = readSafetensors(bytes);
        expect(new Map([...back.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect(back.metadata).toEqual({ format: 'pt' });
        expect(writeSafetensors(back.tensors, back.metadata)).toEqual(bytes);
      }),
    );
  });

  it('begins the data at a multiple of 8 bytes', () => {
    const data = Float32Array.of(1);
    for (let length = 1; length <= 8; length++) {
      const bytes = writeSafetensors(new Map([['x'.repeat(length), { dtype: 'float32', shape: [1], data }]]));
      expect((bytes.length - 4) % 8).toBe(0);
    }
  });

  it('keeps every bit, NaN payloads and negative zero included', () => {
    const bits = Uint32Array.of(0x80000000, 0x7fc12345, 0x00000001, 0xff800000);
    const data = new Float32Array(bits.buffer);
    const { tensors } = readSafetensors(
      writeSafetensors(new Map([['x', { dtype: 'float32', shape: [4], data }]])),
    );
    const back = tensors.get('x')?.data as Float32Array;
    expect([...new Uint32Array(back.buffer, back.byteOffset, 4)]).toEqual([...bits]);
  });

  it.each<[string, string, HostTensor]>([
    ['shape', 'x', { dtype: 'float32', shape: [2], data: Float32Array.of(1) }],
    ['dtype', 'x', { dtype: 'int32', shape: [1], data: Float32Array.of(1) }],
    ['tensor name', '__metadata__', { dtype: 'int32', shape: [1], data: Int32Array.of(1) }],
    ['tensor name', 'x\udc00', { dtype: 'int32', shape: [1], data: Int32Array.of(1) }],
  ])('refuses a wrong %s of %j', (rule, named, value) => {
    const write = () => writeSafetensors(new Map([[named, value]]));
    expect(write).toThrow(SafetensorsError);
    expect(write).toThrow(expect.objectContaining({ rule, tensor: named }));
  });

  const goldenFiles = ['models/gpt2/model', 'models/gpt2/golden', 'optim/trajectories'];
  it.skipIf(reference === undefined).each(goldenFiles)(
    `writes %s byte for byte as Python did ${NEEDS_REFERENCE_DATA}`,
    (path) => {
      const bytes = readFileSync(join(reference as string, 'golden', `${path}.safetensors`));
      const { tensors, metadata } = readSafetensors(bytes);
      const written = writeSafetensors(tensors, Object.keys(metadata).length > 0 ? metadata : undefined);
      expect(Buffer.compare(written, bytes)).toBe(0);
    },
  );
});
