import type { Binding, OpAttribute, TensorData, TensorHandle } from '../binding.ts';
import type { InPlaceUpdate } from '../in-place-update.ts';

type Axis = 'first' | 'last';

/**
 * TensorFlow's own operations on float32, called without tfjs between: a third of the time that a small one takes. What is
 * made with them lives until the end of {@link tidy}.
 */
export class RawOps {
  readonly #binding: Binding;
  readonly #made = new Set<TensorHandle>();

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Frees what was made and is not needed any longer, where waiting for the end of {@link tidy} would take much memory. */
  free(made: readonly TensorHandle[]): void {
    for (const handle of made) if (this.#made.delete(handle)) this.#binding.deleteTensor(handle.id);
  }

  /** What `compute` gives; whatever else it makes is freed at once. */
  tidy<Handles extends readonly TensorHandle[]>(compute: () => Handles): Handles {
    const before = new Set(this.#made);
    const kept = compute();
    this.free([...this.#made].filter((made) => !before.has(made) && !kept.includes(made)));
    return kept;
  }

  add = (a: TensorHandle, b: TensorHandle) => this.#one('AddV2', [a, b]);
  sub = (a: TensorHandle, b: TensorHandle) => this.#one('Sub', [a, b]);
  mul = (a: TensorHandle, b: TensorHandle) => this.#one('Mul', [a, b]);
  div = (a: TensorHandle, b: TensorHandle) => this.#one('RealDiv', [a, b]);
  square = (x: TensorHandle) => this.#one('Square', [x]);
  sqrt = (x: TensorHandle) => this.#one('Sqrt', [x]);
  rsqrt = (x: TensorHandle) => this.#one('Rsqrt', [x]);
  exp = (x: TensorHandle) => this.#one('Exp', [x]);
  erf = (x: TensorHandle) => this.#one('Erf', [x]);
  relu = (x: TensorHandle) => this.#one('Relu', [x]);
  sigmoid = (x: TensorHandle) => this.#one('Sigmoid', [x]);
  /** `dy · s (1 - s)`, s being a sigmoid's value. */
  sigmoidGrad = (s: TensorHandle, dy: TensorHandle) => this.#one('SigmoidGrad', [s, dy]);
  /** `dy` where `y` is greater than 0, else 0. */
  reluGrad = (dy: TensorHandle, y: TensorHandle) => this.#one('ReluGrad', [dy, y]);
  /** Over the last dimension. */
  softmax = (x: TensorHandle) => this.#one('Softmax', [x]);
  /** `[N, C]` + `[C]` */
  biasAdd = (x: TensorHandle, bias: TensorHandle) => this.#one('BiasAdd', [x, bias]);

  mean = (x: TensorHandle, axis: Axis, keepDims = false) => this.#reduce('Mean', x, axis, keepDims);
  sum = (x: TensorHandle, axis: Axis, keepDims = false) => this.#reduce('Sum', x, axis, keepDims);

  #reduce(name: string, x: TensorHandle, axis: Axis, keepDims: boolean): TensorHandle {
    const axes = this.ints([axis === 'first' ? 0 : x.shape.length - 1]);
    return this.#one(name, [x, axes], [this.#flag('keep_dims', keepDims), this.#type('Tidx', this.#int32)]);
  }

  /** The product over the last two dimensions, either side read as its transpose there. */
  matMul(a: TensorHandle, b: TensorHandle, transposeA = false, transposeB = false): TensorHandle {
    const [name, left, right] =
      a.shape.length === 2 ? ['MatMul', 'transpose_a', 'transpose_b'] : ['BatchMatMulV2', 'adj_x', 'adj_y'];
    return this.#one(name, [a, b], [this.#flag(left, transposeA), this.#flag(right, transposeB)]);
  }

  reshape(x: TensorHandle, shape: readonly number[]): TensorHandle {
    return this.#one('Reshape', [x, this.ints(shape)], [this.#type('Tshape', this.#int32)]);
  }

  /** Row `ids[n]` of the result, of `count` rows, is the sum of all rows n of `x` with that id. */
  unsortedSegmentSum(x: TensorHandle, ids: TensorHandle, count: number): TensorHandle {
    const types = [this.#type('Tindices', this.#int32), this.#type('Tnumsegments', this.#int32)];
    return this.#one('UnsortedSegmentSum', [x, ids, this.ints(count)], types);
  }

  /** Slices of x along an axis, of any type. */
  gather(x: TensorHandle, indices: TensorHandle, axis: number, batchDims: number): TensorHandle {
    const attributes = [
      this.#type('Tparams', x.dtype),
      this.#type('Tindices', indices.dtype),
      this.#type('Taxis', this.#int32),
      { name: 'batch_dims', type: this.#binding.TF_ATTR_INT, value: batchDims },
    ];
    return this.#execute('GatherV2', [x, indices, this.ints(axis)], attributes)[0];
  }

  /** 0 where an id is `excluded`, else 1: float32. */
  differsFrom(ids: TensorHandle, excluded: number): TensorHandle {
    const equal = this.#execute(
      'NotEqual',
      [ids, this.ints(excluded)],
      [this.#type('T', this.#int32), this.#flag('incompatible_shape_error', true)],
    )[0];
    return this.toFloats(equal);
  }

  /** The id where `counts` is 1, and 0 where it is 0: int32. */
  maskIds(ids: TensorHandle, counts: TensorHandle): TensorHandle {
    return this.#ofInts('Mul', [ids, this.#cast(counts, this.#float32, this.#int32)]);
  }

  addInts = (a: TensorHandle, b: TensorHandle) => this.#ofInts('AddV2', [a, b]);
  bitAnd = (a: TensorHandle, b: TensorHandle) => this.#ofInts('BitwiseAnd', [a, b]);
  xor = (a: TensorHandle, b: TensorHandle) => this.#ofInts('BitwiseXor', [a, b]);
  shiftLeft = (x: TensorHandle, by: number) => this.#ofInts('LeftShift', [x, this.ints(by)]);

  /** Zeros come in from the left, whatever the sign. */
  shiftRight(x: TensorHandle, by: number): TensorHandle {
    return this.bitAnd(this.#ofInts('RightShift', [x, this.ints(by)]), this.ints(2 ** (32 - by) - 1));
  }

  greaterEqual = (a: TensorHandle, b: TensorHandle) => this.#ofInts('GreaterEqual', [a, b]);
  /** `a` where the condition holds, else `b`; all int32. */
  select = (condition: TensorHandle, a: TensorHandle, b: TensorHandle) =>
    this.#ofInts('SelectV2', [condition, a, b]);

  /** 0 … `count` - 1 */
  range(count: number): TensorHandle {
    const type = this.#type('Tidx', this.#int32);
    return this.#execute('Range', [this.ints(0), this.ints(count), this.ints(1)], [type])[0];
  }

  /** Of bool: 1 where it is true, else 0. */
  toFloats(x: TensorHandle): TensorHandle {
    return this.#cast(x, this.#binding.TF_BOOL, this.#float32);
  }

  #ofInts(name: string, inputs: readonly TensorHandle[]): TensorHandle {
    return this.#execute(name, inputs, [this.#type('T', this.#int32)])[0];
  }

  /** One row `[V]` an id: `on` at the id, `off` elsewhere. */
  oneHot(ids: TensorHandle, depth: number, on: number, off: number): TensorHandle {
    const inputs = [ids, this.ints(depth), this.floats(on), this.floats(off)];
    const axis = { name: 'axis', type: this.#binding.TF_ATTR_INT, value: -1 };
    return this.#one('OneHot', inputs, [this.#type('TI', this.#int32), axis]);
  }

  /** Each row's loss, `[N]`, and the gradient of its logits, `[N, V]`. */
  sparseCrossEntropy(logits: TensorHandle, labels: TensorHandle): TensorHandle[] {
    const attributes = [this.#type('T', this.#float32), this.#type('Tlabels', this.#int32)];
    return this.#execute('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], attributes, 2);
  }

  /** As {@link sparseCrossEntropy}, against a distribution `[N, V]`. */
  crossEntropy(logits: TensorHandle, labels: TensorHandle): TensorHandle[] {
    const attributes = [this.#type('T', this.#float32)];
    return this.#execute('SoftmaxCrossEntropyWithLogits', [logits, labels], attributes, 2);
  }

  /** Whether a step is being traced, for a compiler that fuses what eagerly would be many passes; nothing can be read then. */
  get isTraced(): boolean {
    return this.#binding.together !== undefined;
  }

  /** The values of a tensor. */
  read(x: TensorHandle): TensorData {
    return this.#binding.tensorDataSync(x.id);
  }

  /** Tells whoever traces a step that what was just computed can be done in place. */
  inPlace({ inputs, outputs, ...update }: InPlaceUpdate<TensorHandle>): void {
    const ids = Object.fromEntries(Object.entries(inputs).map(([name, { id }]) => [name, id]));
    this.#binding.inPlace?.({ ...update, inputs: ids, outputs: outputs.map(({ id }) => id) });
  }

  /** A float32 scalar, or a tensor of the shape. */
  floats(values: number | Float32Array, shape: readonly number[] = []): TensorHandle {
    return this.#create(shape, this.#float32, typeof values === 'number' ? Float32Array.of(values) : values);
  }

  /** An int32 scalar or vector. */
  ints(values: number | readonly number[]): TensorHandle {
    return typeof values === 'number'
      ? this.#create([], this.#int32, Int32Array.of(values))
      : this.#create([values.length], this.#int32, Int32Array.from(values));
  }

  get #float32(): number {
    return this.#binding.TF_FLOAT;
  }

  get #int32(): number {
    return this.#binding.TF_INT32;
  }

  #create(shape: readonly number[], dtype: number, values: TensorData): TensorHandle {
    const handle = { id: this.#binding.createTensor(shape, dtype, values), shape, dtype };
    this.#made.add(handle);
    return handle;
  }

  #cast(x: TensorHandle, from: number, to: number): TensorHandle {
    const attributes = [this.#type('SrcT', from), this.#type('DstT', to), this.#flag('Truncate', false)];
    return this.#execute('Cast', [x], attributes)[0];
  }

  #one(name: string, inputs: readonly TensorHandle[], attributes: readonly OpAttribute[] = []): TensorHandle {
    return this.#execute(name, inputs, [this.#type('T', this.#float32), ...attributes])[0];
  }

  #execute(
    name: string,
    inputs: readonly TensorHandle[],
    attributes: readonly OpAttribute[],
    outputCount = 1,
  ): TensorHandle[] {
    const ids = inputs.map(({ id }) => id);
    const outputs = this.#binding.executeOp(name, attributes, ids, outputCount);
    for (const output of outputs) this.#made.add(output);
    return outputs;
  }

  #type(name: string, value: number): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_TYPE, value };
  }

  #flag(name: string, value: boolean): OpAttribute {
    return { name, type: this.#binding.TF_ATTR_BOOL, value };
  }
}
