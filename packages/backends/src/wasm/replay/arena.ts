/** Memory starts at multiples of so many bytes: a line of the processor's cache. */
const ALIGNMENT = 64;

interface Gap {
  offset: number;
  bytes: number;
}

/** Gives out places in a memory whose size is what was needed at the worst moment. Offsets count from its beginning. */
export class Arena {
  /** Free places, by where they begin; neighbours are one. */
  #free: Gap[] = [];
  #size = 0;

  /** The bytes that were needed so far. */
  get size(): number {
    return this.#size;
  }

  /** A place in the smallest gap that it fits in, or at the end. */
  allocate(wanted: number): number {
    const bytes = aligned(wanted);
    let best: Gap | undefined;
    for (const gap of this.#free) {
      if (gap.bytes >= bytes && (best === undefined || gap.bytes < best.bytes)) best = gap;
    }
    if (best === undefined) {
      const last = this.#free.at(-1);
      const offset = last !== undefined && last.offset + last.bytes === this.#size ? last.offset : this.#size;
      if (offset !== this.#size) this.#free.pop();
      this.#size = offset + bytes;
      return offset;
    }
    const { offset } = best;
    best.offset += bytes;
    best.bytes -= bytes;
    if (best.bytes === 0) this.#free.splice(this.#free.indexOf(best), 1);
    return offset;
  }

  free(offset: number, allocated: number): void {
    const bytes = aligned(allocated);
    const next = this.#free.findIndex((gap) => gap.offset > offset);
    const at = next === -1 ? this.#free.length : next;
    this.#free.splice(at, 0, { offset, bytes });
    this.#join(at);
    if (at > 0) this.#join(at - 1);
  }

  #join(at: number): void {
    const [gap, next] = [this.#free[at], this.#free[at + 1]];
    if (next === undefined || gap.offset + gap.bytes !== next.offset) return;
    gap.bytes += next.bytes;
    this.#free.splice(at + 1, 1);
  }
}

/** As many bytes as a place of `bytes` takes. */
export function aligned(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / ALIGNMENT)) * ALIGNMENT;
}
