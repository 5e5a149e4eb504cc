import { GgufError } from './errors.ts';
import type { GgufValue } from './metadata.ts';

/** Checked access to a file's metadata. */
export class MetadataReader {
  constructor(private readonly metadata: Readonly<Record<string, GgufValue>>) {}

  value(key: string): GgufValue | undefined {
    return Object.hasOwn(this.metadata, key) ? this.metadata[key] : undefined;
  }

  /** @throws GgufError where the value is neither a number nor absent */
  number(key: string): number | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === 'number' ? value : this.refuse(key, 'a number');
  }

  /** As {@link number}; a FLOAT32 comes as the decimal that it was written from: 0.00001 and not 0.000009999999747. */
  decimal(key: string): number | undefined {
    const value = this.number(key);
    return value === undefined ? undefined : shortestDecimal(value);
  }

  /** A size or count; where the layers have one each, all must agree. @throws GgufError */
  size(key: string): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    const sizes: unknown[] = typeof value === 'object' ? Array.from<unknown>(value) : [value];
    const [size] = sizes;
    if (
      typeof size === 'number' &&
      Number.isInteger(size) &&
      size > 0 &&
      sizes.every((other) => other === size)
    )
      return size;
    return this.refuse(key, 'a positive integer, the same for all layers');
  }

  requiredSize(key: string): number {
    return this.size(key) ?? this.refuse(key, 'given');
  }

  /** @throws GgufError where the value is neither a string nor absent */
  string(key: string): string | undefined {
    const value = this.value(key);
    return value === undefined || typeof value === 'string' ? value : this.refuse(key, 'a string');
  }

  refuse(key: string, rule: string): never {
    const value = this.value(key);
    const found = typeof value === 'object' ? 'an array' : JSON.stringify(value, bigintsAsText);
    throw new GgufError('metadata value', `it must be ${rule}, but it is ${found ?? 'missing'}.`, { key });
  }
}

/** The shortest decimal that rounds to the same float32; any other number as it is. */
function shortestDecimal(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

function bigintsAsText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
