import { elementCount } from '../source/lazy-state-dict.ts';

/** What a file's header tells of the model. */
export interface Llama2cSizes {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  readonly contextLength: number;
  /** Whether the output is the embedding. */
  readonly tied: boolean;
}

/** How matrices are stored: float32, or int8 in groups that share a float32 scale. */
export interface Llama2cFormat {
  readonly version: 0 | 1 | 2;
  /** Values that share a scale; version 2 only. */
  readonly groupSize?: number;
}

/** One tensor in the file. */
export interface Slot {
  /** Hugging Face's name; undefined for the table of rotary cosines and sines, which follows from the sizes. */
  readonly name: string | undefined;
  readonly shape: readonly number[];
  /** The heads whose rows are in pairs: see rotary-order.ts. */
  readonly rotaryHeads?: number;
  /** Whether the values are int8. */
  readonly quantized: boolean;
  /** Bytes in the file. */
  readonly bytes: number;
}

/** A tensor of each layer, or one of the model: `name` gives Hugging Face's. */
interface Section {
  readonly name: (layer: number) => string | undefined;
  readonly shape: readonly number[];
  readonly rotaryHeads?: number;
  readonly perLayer: boolean;
}

/** The header of versions 1 and 2 is padded to this. */
export const HEADER_BYTES = { 0: 28, 1: 256, 2: 256 } as const;

/**
 * The order of a file (karpathy/llama2.c, export.py: `legacy_export`, `version1_export`, `version2_export`). Tensors of the
 * layers lie by kind: all query projections, then all key projections, and so on.
 */
function sections(version: 0 | 1 | 2, sizes: Llama2cSizes): Section[] {
  const { width, hidden, heads, kvHeads, vocabulary, contextLength, tied } = sizes;
  const headSize = width / heads;
  const one = (name: string | undefined, ...shape: number[]): Section => ({
    name: () => name,
    shape,
    perLayer: false,
  });
  const each = (name: string, shape: number[], rotaryHeads?: number): Section => ({
    name: (layer) => `model.layers.${layer}.${name}.weight`,
    shape,
    rotaryHeads,
    perLayer: true,
  });
  const embedding = one('model.embed_tokens.weight', vocabulary, width);
  const output = tied ? [] : [one('lm_head.weight', vocabulary, width)];
  const finalNorm = one('model.norm.weight', width);
  const attentionNorms = each('input_layernorm', [width]);
  const attention = [
    each('self_attn.q_proj', [width, width], heads),
    each('self_attn.k_proj', [kvHeads * headSize, width], kvHeads),
    each('self_attn.v_proj', [kvHeads * headSize, width]),
    each('self_attn.o_proj', [width, width]),
  ];
  const mlpNorms = each('post_attention_layernorm', [width]);
  const mlp = [
    each('mlp.gate_proj', [hidden, width]),
    each('mlp.down_proj', [width, hidden]),
    each('mlp.up_proj', [hidden, width]),
  ];
  if (version > 0) return [attentionNorms, mlpNorms, finalNorm, embedding, ...attention, ...mlp, ...output];
  const rotary = one(undefined, 2, contextLength, headSize / 2); // cosines, then sines
  return [embedding, attentionNorms, ...attention, mlpNorms, ...mlp, finalNorm, rotary, ...output];
}

/** The length of the file that a header describes; NaN or infinite where no file can be so long. */
export function fileBytes(sizes: Llama2cSizes, format: Llama2cFormat): number {
  return sections(format.version, sizes).reduce<number>(
    (total, section) => total + (section.perLayer ? sizes.layers : 1) * bytesOf(section.shape, format),
    HEADER_BYTES[format.version],
  );
}

/** The tensors of a file, in its order. */
export function layOut(sizes: Llama2cSizes, format: Llama2cFormat): Slot[] {
  return sections(format.version, sizes).flatMap(({ name, shape, rotaryHeads, perLayer }) =>
    Array.from({ length: perLayer ? sizes.layers : 1 }, (_, layer) => ({
      name: name(layer),
      shape,
      rotaryHeads,
      quantized: isQuantized(shape, format),
      bytes: bytesOf(shape, format),
    })),
  );
}

/** Version 2 keeps norms in float32. */
function isQuantized(shape: readonly number[], { version }: Llama2cFormat): boolean {
  return version === 2 && shape.length > 1;
}

function bytesOf(shape: readonly number[], format: Llama2cFormat): number {
  const elements = elementCount(shape);
  return isQuantized(shape, format) ? elements + (4 * elements) / (format.groupSize ?? 1) : 4 * elements;
}
