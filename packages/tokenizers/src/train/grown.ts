type Growable = Int32Array | Float64Array | Uint16Array | Uint8Array;

/** `array` if it has room for `length` elements, else a copy at least twice as long. */
export function grown<A extends Growable>(array: A, length: number): A {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => A)(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}
