/** What TensorFlow's operations call their one output (`tensorflow/core/ops`), where that is not `output`. */
const names: Readonly<Record<string, string>> = {
  y:
    'Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil ComplexAbs Cos Cosh DeepCopy Erf Exp Expm1 Floor IsFinite IsInf IsNan ' +
    'Log Log1p LogicalNot Neg OnesLike Reciprocal Round Rsqrt Sigmoid Sign Sin Sinh Sqrt Square Tan Tanh Transpose ZerosLike',
  z:
    'Add AddV2 Atan2 BitwiseAnd BitwiseOr BitwiseXor Div DivNoNan Equal FloorDiv FloorMod Greater GreaterEqual LeftShift Less ' +
    'LessEqual LogicalAnd LogicalOr Maximum Minimum Mod Mul NotEqual Pow RealDiv RightShift SigmoidGrad SquaredDifference Sub',
  activations: 'Elu LeakyRelu Relu Relu6 Selu Softplus',
  backprops: 'EluGrad ReluGrad',
  bins: 'Bincount',
  out: 'Cumprod Cumsum',
  product: 'MatMul',
  r0: 'BroadcastArgs',
  softmax: 'Softmax',
  sum: 'AddN',
};

const nameOfOnly = new Map(
  Object.entries(names).flatMap(([name, ops]) => ops.split(' ').map((op) => [op, name])),
);

const namesOfSeveral: Readonly<Record<string, readonly string[]>> = {
  SoftmaxCrossEntropyWithLogits: ['loss', 'backprop'],
  SparseSoftmaxCrossEntropyWithLogits: ['loss', 'backprop'],
  TopKV2: ['values', 'indices'],
};

/** The name of an operation's `index`-th output inside of a function: `name:index` of its argument. */
export function outputName(op: string, index: number): string {
  const several = namesOfSeveral[op];
  return several === undefined ? `${nameOfOnly.get(op) ?? 'output'}:${index}` : `${several[index]}:0`;
}
