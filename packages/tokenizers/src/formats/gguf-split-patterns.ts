import { SPLIT_PATTERNS } from './split-patterns.ts';

/** Each number alone. */
export const SINGLE_DIGIT = String.raw`\p{N}`;

/** How llama.cpp cuts text for one value of `tokenizer.ggml.pre`. */
export interface GgufPreTokenizer {
  /** Expressions applied one after another, each to the pieces the last left. */
  readonly patterns: readonly string[];
  /** A word that is a token is that token, whatever the merges say. */
  readonly ignoreMerges?: boolean;
  /** Whether BOS is put before a text where the metadata does not say. */
  readonly addBos?: boolean;
}

const { gpt2, gpt4, o200k } = SPLIT_PATTERNS;

const gpt2Like: GgufPreTokenizer = { patterns: [gpt2] };
/** Every digit alone first, then GPT-2's pattern on each piece: one joined expression would cut `"\n\n1"` elsewhere. */
const digitsFirst: GgufPreTokenizer = { patterns: [SINGLE_DIGIT, gpt2] };
const llama3: GgufPreTokenizer = { patterns: [gpt4], ignoreMerges: true, addBos: true };
const gpt4Like: GgufPreTokenizer = { patterns: [gpt4] };
const qwen2: GgufPreTokenizer = { patterns: [gpt4.replace(String.raw`\p{N}{1,3}`, String.raw`\p{N}`)] };
const bloom = String.raw` ?[^(\s|.,!?…。，、।۔،)]+`;

/** `tokenizer.ggml.pre` of GGUF files, as llama.cpp's llama-vocab.cpp understands them. */
export const GGUF_PRE_TOKENIZERS: Readonly<Record<string, GgufPreTokenizer>> = {
  default: {
    patterns: [String.raw`[\p{P}\$\+<=>\^~\|]+`, gpt2, String.raw`\p{N}+`, '[0-9][0-9][0-9]'],
  },
  'gpt-2': gpt2Like,
  'phi-2': gpt2Like,
  mpt: gpt2Like,
  olmo: gpt2Like,
  jais: gpt2Like,
  gigachat: gpt2Like,
  'jina-es': gpt2Like,
  'jina-de': gpt2Like,
  'jina-v1-en': gpt2Like,
  'jina-v2-es': gpt2Like,
  'jina-v2-de': gpt2Like,
  'jina-v2-code': gpt2Like,
  'roberta-bpe': gpt2Like,
  starcoder: digitsFirst,
  refact: digitsFirst,
  'command-r': digitsFirst,
  smollm: digitsFirst,
  codeshell: digitsFirst,
  exaone: digitsFirst,
  'minerva-7b': digitsFirst,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  falcon3: llama3,
  dbrx: gpt4Like,
  'smaug-bpe': gpt4Like,
  'chatglm-bpe': gpt4Like,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  stablelm2: qwen2,
  megrez: qwen2,
  'gpt-4o': { patterns: [o200k] },
  tekken: {
    patterns: [
      o200k
        .replaceAll("(?i:'s|'t|'re|'ve|'m|'ll|'d)?", '')
        .replace(String.raw`\p{N}{1,3}`, String.raw`\p{N}`),
    ],
    ignoreMerges: true,
    addBos: true,
  },
  falcon: { patterns: [String.raw`[\p{P}\$\+<=>\^~\|\x60]+`, gpt2, '[0-9][0-9][0-9]'] },
  'deepseek-coder': {
    patterns: [
      String.raw`[\r\n]`,
      String.raw`\s?\p{L}+`,
      String.raw`\s?\p{P}+`,
      '[一-龥ࠀ-一가-퟿]+',
      String.raw`\p{N}`,
    ],
  },
  'deepseek-v3': {
    patterns: [
      String.raw`\p{N}{1,3}`,
      '[一-龥぀-ゟ゠-ヿ]+',
      String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\x60{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    ],
  },
  bloom: { patterns: [bloom] },
  'poro-chat': { patterns: [bloom] },
  'gpt3-finnish': { patterns: [bloom] },
  viking: { patterns: [bloom, SINGLE_DIGIT] },
};
