/**
 * Random numbers as a function of an immutable key.
 *
 * A key never advances: `rng.fold('h').fold(3)` names a place, and what is drawn there depends on the seed and the place
 * alone, never on what was drawn before. So weights, batches, dropout masks and samples are the same on every backend, with
 * or without recomputation, and resuming a run needs only the seed and the step.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"), counter mode; it needs only 32-bit additions, rotations and exclusive ors.
 */
export class Rng {
  readonly #key0: number;
  readonly #key1: number;

  /** @param seed any safe integer; 0 is a seed like every other. */
  constructor(seed: number);
  constructor(key0: number, key1: number);
  constructor(seedOrKey0: number, key1?: number) {
    if (key1 === undefined) {
      if (!Number.isSafeInteger(seedOrKey0)) {
        throw new RangeError(`A seed must be a safe integer, but ${seedOrKey0} came.`);
      }
      this.#key0 = seedOrKey0 >>> 0;
      this.#key1 = Math.floor(seedOrKey0 / 2 ** 32) >>> 0;
    } else {
      this.#key0 = seedOrKey0;
      this.#key1 = key1;
    }
  }

  /**
   * A key that stands for another one at each draw: for a step that is compiled once and draws anew in every run. Keys
   * folded from it follow too.
   */
  static following(current: () => Rng): Rng {
    return new FollowingRng(current);
  }

  /** The key of a place below this one: a field's name, a layer's index, a step. */
  fold(place: string | number): Rng {
    const words = typeof place === 'number' ? numberWords(place) : stringWords(place);
    threefry2x32(this.#key0, this.#key1, words[0], words[1]);
    return new Rng(out[0], out[1]);
  }

  /** The two words of the key, for a kernel that draws by itself what {@link uniform} gives. */
  words(): Int32Array {
    return Int32Array.of(this.#key0, this.#key1);
  }

  /** `count` float32 numbers in [0, 1), each a multiple of 2^-24. */
  uniform(count: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      threefry2x32(this.#key0, this.#key1, i >>> 1, 0);
      values[i] = (out[0] >>> 8) * 2 ** -24;
      if (i + 1 < count) values[i + 1] = (out[1] >>> 8) * 2 ** -24;
    }
    return values;
  }

  /** `count` float32 numbers from the standard normal distribution (Box and Muller 1958, in float64 before rounding). */
  normal(count: number): Float32Array {
    const values = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      threefry2x32(this.#key0, this.#key1, i >>> 1, 1);
      const radius = Math.sqrt(-2 * Math.log((out[0] + 1) * 2 ** -32));
      const angle = 2 * Math.PI * out[1] * 2 ** -32;
      values[i] = radius * Math.cos(angle);
      if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
    }
    return values;
  }

  /** `count` integers, uniform in 0…`bound` - 1 (bias below `bound` / 2^53). */
  integers(count: number, bound: number): Int32Array {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 31) {
      throw new RangeError(`The bound must be an integer in 1…2^31, but ${bound} came.`);
    }
    const values = new Int32Array(count);
    for (let i = 0; i < count; i++) values[i] = Math.floor(this.#unit53(i) * bound);
    return values;
  }

  /** One float64 in [0, 1) with 53 random bits: what a token is picked with. */
  unit(): number {
    return this.#unit53(0);
  }

  #unit53(index: number): number {
    threefry2x32(this.#key0, this.#key1, index, 2);
    return ((out[0] >>> 5) * 2 ** 26 + (out[1] >>> 6)) * 2 ** -53;
  }
}

class FollowingRng extends Rng {
  readonly #current: () => Rng;

  constructor(current: () => Rng) {
    super(0);
    this.#current = current;
  }

  override fold(place: string | number): Rng {
    return new FollowingRng(() => this.#current().fold(place));
  }

  override words(): Int32Array {
    return this.#current().words();
  }

  override uniform(count: number): Float32Array {
    return this.#current().uniform(count);
  }

  override normal(count: number): Float32Array {
    return this.#current().normal(count);
  }

  override integers(count: number, bound: number): Int32Array {
    return this.#current().integers(count, bound);
  }

  override unit(): number {
    return this.#current().unit();
  }
}

const out = new Uint32Array(2);

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Writes the block of `counter` under `key` to `out`. Exported for the published test vectors only. */
export function threefry2x32(key0: number, key1: number, counter0: number, counter1: number): Uint32Array {
  const keys = [key0, key1, key0 ^ key1 ^ 0x1bd11bda];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const rotation = ROTATIONS[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if ((round & 3) === 3) {
      const injection = (round >> 2) + 1;
      x0 = (x0 + keys[injection % 3]) | 0;
      x1 = (x1 + keys[(injection + 1) % 3] + injection) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
  return out;
}

function numberWords(value: number): readonly [number, number] {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`A key folds safe integers and strings, but ${value} came.`);
  return [value >>> 0, Math.floor(value / 2 ** 32) >>> 0];
}

/** Two FNV-1a hashes over the UTF-16 units, the second with another offset; the high bit keeps them apart from numbers. */
function stringWords(value: string): readonly [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit ^ (low >>> 15), 0x01000193);
  }
  return [low >>> 0, (high | 0x80000000) >>> 0];
}
