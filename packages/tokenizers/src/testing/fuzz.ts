import fc from 'fast-check';
import { expect } from 'vitest';
import { TokenizerError } from '../errors.ts';

/**
 * Gives a reader damaged variants of a valid file: cut short, bytes changed, runs removed, repeated or inserted. It must
 * return or throw a {@link TokenizerError}, within a second.
 */
export function fuzzReader(valid: Uint8Array, read: (bytes: Uint8Array) => unknown, numRuns = 300): void {
  const position = fc.nat({ max: valid.length });
  const edit = fc.oneof(
    fc.record({ kind: fc.constant('cut' as const), at: position }),
    fc.record({
      kind: fc.constant('set' as const),
      at: position,
      byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x0a),
    }),
    fc.record({
      kind: fc.constant('remove' as const),
      at: position,
      length: fc.integer({ min: 1, max: 40 }),
    }),
    fc.record({
      kind: fc.constant('insert' as const),
      at: position,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    }),
  );
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let bytes = [...valid];
      for (const change of edits) {
        if (change.kind === 'cut') bytes = bytes.slice(0, change.at);
        else if (change.kind === 'set') bytes[Math.min(change.at, bytes.length)] = change.byte;
        else if (change.kind === 'remove') bytes.splice(change.at, change.length);
        else bytes.splice(change.at, 0, ...change.bytes);
      }
      const start = performance.now();
      try {
        read(Uint8Array.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(TokenizerError);
      }
      expect(performance.now() - start).toBeLessThan(1000);
    }),
    { numRuns },
  );
}
