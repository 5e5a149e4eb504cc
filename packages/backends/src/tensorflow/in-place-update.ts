/**
 * An update of variables that TensorFlow can make in the memory that they have, by one operation of its own, instead of by
 * the operations that a kernel ran. The kernel tells of it, and a compiled step does it so where it can.
 *
 * @typeParam Ref how tensors are named.
 */
export interface InPlaceUpdate<Ref> {
  readonly op: 'AdamW';
  /** As the kernel takes them. */
  readonly inputs: Readonly<Record<string, Ref>>;
  /** As the kernel gives them: the next parameter, first and second moment. */
  readonly outputs: readonly Ref[];
  readonly attrs: Readonly<Record<'beta1' | 'beta2', number>>;
}
