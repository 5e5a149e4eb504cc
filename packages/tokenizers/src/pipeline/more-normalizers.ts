import type { NormalizerSpec } from '../tokenizer-json.ts';
import { lowercase, type MoreNormalizers, type Normalizer, perCharacter, unicodeForm } from './normalizer.ts';
import { precompiled } from './precompiled.ts';
import { WHITE_SPACE } from './unicode.ts';

/** The normalizers of BERT, T5 and their relatives. */
export const moreNormalizers: MoreNormalizers = (spec) => {
  switch (spec.type) {
    case 'StripAccents':
      return (text) => text.replace(MARKS, '');
    case 'Nmt':
      return (text) => text.replace(NMT_REMOVED, '').replace(NMT_SPACES, ' ');
    case 'BertNormalizer':
      return bert(spec);
    case 'Precompiled':
      return precompiled(spec.precompiled_charsmap, spec.longest_match ?? false);
    default:
      return undefined;
  }
};

const MARKS = /\p{M}/gu;
/** BERT's accents: those that take no space. */
const NONSPACING_MARKS = /\p{Mn}/gu;
const NMT_REMOVED = /(?![\0\t\n\f\r\u0080-\u008e\u0090-\u009e])\p{Cc}/gu;
const NMT_SPACES = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g;

function bert(spec: Extract<NormalizerSpec, { type: 'BertNormalizer' }>): Normalizer {
  const {
    clean_text = true,
    handle_chinese_chars = true,
    strip_accents = null,
    lowercase: lowers = true,
  } = spec;
  const steps: Normalizer[] = [];
  if (clean_text) {
    steps.push((text) => text.replace(BERT_REMOVED, '').replace(BERT_SPACES, ' '));
  }
  if (handle_chinese_chars) steps.push(perCharacter((character) => ` ${character} `, IDEOGRAPH));
  if (strip_accents ?? lowers) {
    steps.push(unicodeForm('NFD'), (text) => text.replace(NONSPACING_MARKS, ''));
  }
  if (lowers) steps.push(lowercase);
  return (text) => steps.reduce((current, step) => step(current), text);
}

/** Controls but tab, newline and carriage return; also private and format characters, as `tokenizers` has it. */
const BERT_REMOVED = /[\0\ufffd]|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu;
const BERT_SPACES = new RegExp(`[${WHITE_SPACE}]`, 'gv');
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;
