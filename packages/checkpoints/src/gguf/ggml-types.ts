import type { HostTensor } from '@minigpt/core';
import { SafetensorsError } from '../errors.ts';
import { dtypeOf, type SafetensorsDtype } from '../safetensors/dtypes.ts';
import {
  dequantizeQ4_0,
  dequantizeQ4_1,
  dequantizeQ5_0,
  dequantizeQ5_1,
  dequantizeQ8_0,
} from './dequantize.ts';
import {
  dequantizeQ2_K,
  dequantizeQ3_K,
  dequantizeQ4_K,
  dequantizeQ5_K,
  dequantizeQ6_K,
} from './dequantize-k.ts';
import { dequantizeIQ4_NL, dequantizeIQ4_XS, dequantizeMXFP4 } from './dequantize-table.ts';
import { dequantizeTQ1_0, dequantizeTQ2_0 } from './dequantize-ternary.ts';
import { GgufError } from './errors.ts';

/** Widens whole blocks: `bytes` holds exactly those whose values `values` has room for. */
type Dequantize = (bytes: Uint8Array, values: Float32Array) => void;

/** How ggml stores the values of a tensor. */
export type GgmlType = PlainType | BlockType;

interface TypeOfTensor {
  readonly name: string;
  /** Values in one block; rows are whole blocks. */
  readonly blockSize: number;
  /** Bytes of one block. */
  readonly blockBytes: number;
  readonly dtype: HostTensor['dtype'];
}

/** Single numbers. */
interface PlainType extends TypeOfTensor {
  readonly kind: 'plain';
  /** All values at once; a view of `bytes` where nothing need be changed. */
  readonly decode: (bytes: Uint8Array, tensor: string) => HostTensor['data'];
}

/** Quantised blocks. */
interface BlockType extends TypeOfTensor {
  readonly kind: 'blocks';
  readonly dequantize: Dequantize;
}

function plain(name: SafetensorsDtype, dtype: HostTensor['dtype']): GgmlType {
  const { bytesPerElement, decode } = dtypeOf(name);
  return {
    kind: 'plain',
    name,
    dtype,
    blockSize: 1,
    blockBytes: bytesPerElement,
    decode: (bytes, tensor) => {
      try {
        return decode(bytes, tensor);
      } catch (cause) {
        if (!(cause instanceof SafetensorsError)) throw cause;
        throw new GgufError('values', 'it has an integer that int32 cannot hold.', { tensor, cause });
      }
    },
  };
}

function blocks(name: string, blockSize: number, blockBytes: number, dequantize: Dequantize): GgmlType {
  return { kind: 'blocks', name, dtype: 'float32', blockSize, blockBytes, dequantize };
}

/** By ggml's number (ggml.h, `enum ggml_type`). */
const TYPES: ReadonlyMap<number, GgmlType> = /* @__PURE__ */ new Map([
  [0, plain('F32', 'float32')],
  [1, plain('F16', 'float32')],
  [2, blocks('Q4_0', 32, 18, dequantizeQ4_0)],
  [3, blocks('Q4_1', 32, 20, dequantizeQ4_1)],
  [6, blocks('Q5_0', 32, 22, dequantizeQ5_0)],
  [7, blocks('Q5_1', 32, 24, dequantizeQ5_1)],
  [8, blocks('Q8_0', 32, 34, dequantizeQ8_0)],
  [10, blocks('Q2_K', 256, 84, dequantizeQ2_K)],
  [11, blocks('Q3_K', 256, 110, dequantizeQ3_K)],
  [12, blocks('Q4_K', 256, 144, dequantizeQ4_K)],
  [13, blocks('Q5_K', 256, 176, dequantizeQ5_K)],
  [14, blocks('Q6_K', 256, 210, dequantizeQ6_K)],
  [20, blocks('IQ4_NL', 32, 18, dequantizeIQ4_NL)],
  [23, blocks('IQ4_XS', 256, 136, dequantizeIQ4_XS)],
  [24, plain('I8', 'int32')],
  [25, plain('I16', 'int32')],
  [26, plain('I32', 'int32')],
  [27, plain('I64', 'int32')],
  [28, plain('F64', 'float32')],
  [30, plain('BF16', 'float32')],
  [34, blocks('TQ1_0', 256, 54, dequantizeTQ1_0)],
  [35, blocks('TQ2_0', 256, 66, dequantizeTQ2_0)],
  [39, blocks('MXFP4', 32, 17, dequantizeMXFP4)],
]);

/** Types that exist and are not read. */
const UNREAD: Readonly<Record<number, string>> = {
  4: 'Q4_2',
  5: 'Q4_3',
  9: 'Q8_1',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  21: 'IQ3_S',
  22: 'IQ2_S',
  29: 'IQ1_M',
  31: 'Q4_0_4_4',
  32: 'Q4_0_4_8',
  33: 'Q4_0_8_8',
};

/** @throws GgufError for a type that is not read */
export function ggmlType(number: number, tensor: string): GgmlType {
  const type = TYPES.get(number);
  if (type !== undefined) return type;
  const read = [...TYPES.values()].map(({ name }) => name).join(', ');
  const found = UNREAD[number] ?? `number ${number}`;
  throw new GgufError('tensor type', `its type is ${found}, but those that are read are ${read}.`, {
    tensor,
  });
}
