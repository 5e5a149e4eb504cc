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
    if (this.length === this.ids.length) this.#makeRoom();
    this.ids[this.length++] = id;
  }

  #makeRoom(): void {
    if (this.onFull) {
      this.onFull(this.ids, this.length);
      this.length = 0;
      return;
    }
    const ids = new Int32Array(this.ids.length * 2);
    ids.set(this.ids);
    this.ids = ids;
  }
}
