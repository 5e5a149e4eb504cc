/** The smallest whole layer, which CONTRIBUTING.md shows. @param {string} className */
export function layerSource(className) {
  return `import { Module, parameter } from '@minigpt/core';
import { mul, ones, type Tensor, type Variable } from '@tensorflow/tfjs-core';

export interface ${className}Options {
  /** C: the width of the last dimension. */
  readonly size: number;
}

/** \`y = x * weight\`, a learned scale for each channel; float32 \`[..., C]\` → \`[..., C]\`. */
export class ${className} extends Module {
  readonly weight: Variable;

  constructor({ size }: ${className}Options) {
    super();
    this.weight = parameter(ones([size]));
  }

  protected override forward(x: Tensor): Tensor {
    return mul(x, this.weight); // [..., C]
  }
}
`;
}

/** Its test. @param {string} name @param {string} className */
export function layerTestSource(name, className) {
  return `import { testLayer } from '@minigpt/testing';
import { ${className} } from './${name}.ts';

testLayer('${className}', () => new ${className}({ size: 6 }), { input: [2, 3, 6], output: [2, 3, 6] });
`;
}
