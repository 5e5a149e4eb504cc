/** Functions of one number, in order of use, as expressions that GLSL and WGSL read alike. */
export const functions = {
  sigmoid: '1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0)))',
  // erf to 1.5e-7 (Abramowitz & Stegun 1964, 7.1.26), as the reference has it.
  erfPolynomial:
    '((((1.061405429 * x - 1.453152027) * x + 1.421413741) * x - 0.284496736) * x + 0.254829592) * x',
  erf: 'sign(x) * (1.0 - erfPolynomial(1.0 / (1.0 + 0.3275911 * abs(x))) * exp(-x * x))',
  normal: `0.5 * (1.0 + erf(x * ${Math.SQRT1_2}))`,
  normalDensity: `exp(-0.5 * x * x) * ${1 / Math.sqrt(2 * Math.PI)}`,
  // Twice the argument of the tanh, with which (1 + tanh) / 2 is a sigmoid.
  geluArgument: `${2 * Math.sqrt(2 / Math.PI)} * x * (1.0 + 0.044715 * x * x)`,
  geluArgumentSlope: `${2 * Math.sqrt(2 / Math.PI)} * (1.0 + ${3 * 0.044715} * x * x)`,
  siluSlope: 'sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)))',
} as const;

export interface Activation {
  /** y of x. */
  readonly y: string;
  /** dy/dx at x. */
  readonly slope: string;
}

export const activations: Readonly<Record<string, Activation>> = {
  GeluErf: { y: 'x * normal(x)', slope: 'normal(x) + x * normalDensity(x)' },
  GeluTanh: {
    y: 'x * sigmoid(geluArgument(x))',
    slope: 'sigmoid(geluArgument(x)) * (1.0 + x * (1.0 - sigmoid(geluArgument(x))) * geluArgumentSlope(x))',
  },
  Silu: { y: 'x * sigmoid(x)', slope: 'siluSlope(x)' },
  ReluSquared: { y: 'max(x, 0.0) * max(x, 0.0)', slope: '2.0 * max(x, 0.0)' },
};
