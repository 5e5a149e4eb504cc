import { TokenizerFormatError } from './errors.ts';

/** What a field must hold; with `?` it may be absent or null. `parts` is a list of components of the same slot. */
type Kind = 'string' | 'number' | 'boolean' | 'object' | 'list' | 'pattern' | 'parts' | 'pair';

/** The fields of each component, by type. What is not here has no fields, or is checked where it is read. */
const FIELDS: Readonly<Record<string, Readonly<Record<string, Kind | `${Kind}?`>>>> = {
  'normalizer.Sequence': { normalizers: 'parts' },
  'normalizer.Replace': { pattern: 'pattern', content: 'string' },
  'normalizer.Prepend': { prepend: 'string' },
  'normalizer.Precompiled': { precompiled_charsmap: 'string', longest_match: 'boolean?' },
  'pre_tokenizer.Sequence': { pretokenizers: 'parts' },
  'pre_tokenizer.Split': { pattern: 'pattern', behavior: 'string', invert: 'boolean?' },
  'pre_tokenizer.Punctuation': { behavior: 'string?' },
  'pre_tokenizer.CharDelimiterSplit': { delimiter: 'string' },
  'pre_tokenizer.FixedLength': { length: 'number' },
  'pre_tokenizer.Metaspace': {
    replacement: 'string',
    prepend_scheme: 'string?',
    add_prefix_space: 'boolean?',
  },
  'post_processor.Sequence': { processors: 'parts' },
  'post_processor.TemplateProcessing': { single: 'list', pair: 'list', special_tokens: 'object' },
  'post_processor.BertProcessing': { sep: 'pair', cls: 'pair' },
  'post_processor.RobertaProcessing': { sep: 'pair', cls: 'pair' },
  'decoder.Sequence': { decoders: 'parts' },
  'decoder.Replace': { pattern: 'pattern', content: 'string' },
  'decoder.Strip': { content: 'string', start: 'number', stop: 'number' },
  'decoder.Metaspace': { replacement: 'string', prepend_scheme: 'string?', add_prefix_space: 'boolean?' },
  'decoder.WordPiece': { prefix: 'string?' },
  'decoder.BPEDecoder': { suffix: 'string?' },
  'decoder.CTC': { pad_token: 'string?', word_delimiter_token: 'string?' },
  'model.BPE': {
    unk_token: 'string?',
    continuing_subword_prefix: 'string?',
    end_of_word_suffix: 'string?',
    merges: 'list',
    vocab: 'object',
  },
  'model.Unigram': { vocab: 'list', unk_id: 'number?' },
  'model.WordPiece': {
    vocab: 'object',
    unk_token: 'string?',
    continuing_subword_prefix: 'string?',
    max_input_chars_per_word: 'number?',
  },
  'model.WordLevel': { vocab: 'object', unk_token: 'string?' },
};

const MAX_DEPTH = 20;

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Checks that a specification has the shape that its types promise, as it may come from any file.
 *
 * @throws TokenizerFormatError that names the field
 */
export function checkSpec(spec: unknown): void {
  if (!isObject(spec)) throw new TokenizerFormatError('tokenizer.json', 'it is not an object.');
  for (const slot of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']) {
    if (spec[slot] != null) checkComponent(slot, spec[slot], slot, 0);
  }
  checkComponent('model', spec.model, 'model', 0);
}

function checkComponent(slot: string, component: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new TokenizerFormatError('tokenizer.json', `${slot} is nested too deep.`);
  if (!isObject(component) || typeof component.type !== 'string') {
    throw new TokenizerFormatError('tokenizer.json', `${path} is not an object with a type.`);
  }
  const fields = FIELDS[`${slot}.${component.type}`] ?? {};
  for (const [field, kind] of Object.entries(fields)) {
    const value = component[field];
    if (kind.endsWith('?') && value == null) continue;
    const wanted = kind.replace('?', '');
    if (!holds(value, wanted)) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        `${path}.${field} (${component.type}) is not a ${wanted}.`,
      );
    }
    if (wanted === 'parts' && Array.isArray(value)) {
      value.forEach((part, i) => {
        checkComponent(slot, part, `${path}.${field}[${i}]`, depth + 1);
      });
    }
  }
}

function holds(value: unknown, kind: string): boolean {
  switch (kind) {
    case 'object':
      return isObject(value);
    case 'list':
    case 'parts':
      return Array.isArray(value);
    case 'pair':
      return Array.isArray(value) && typeof value[0] === 'string' && typeof value[1] === 'number';
    case 'pattern':
      return isObject(value) && (typeof value.String === 'string' || typeof value.Regex === 'string');
    default:
      return typeof value === kind;
  }
}
