/** Ids as they are found. When it is full it hands them on, or grows where there is nobody to take them. */
export class IdBuffer {
  length = 0;
  ids: Int32Array;

  constructor(
    capacity: number,
    private readonly onFull?: (ids: Int32Array, length: number) => void,
  ) {
    this.ids = new Int32Array(capacity);
  }

  push(id: number): void {
    if (this.length === this.ids.length) this.reserve(1);
    this.ids[this.length++] = id;
  }

  /** Makes room for `count` ids behind the present ones, for a caller that writes them itself. */
  reserve(count: number): void {
    if (this.length + count <= this.ids.length) return;
    if (this.onFull) {
      this.onFull(this.ids, this.length);
      this.length = 0;
    }
    if (this.length + count <= this.ids.length) return;
    const ids = new Int32Array(Math.max(this.ids.length * 2, this.length + count));
    ids.set(this.ids.subarray(0, this.length));
    this.ids = ids;
  }
}
