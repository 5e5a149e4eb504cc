import { TokenizerFormatError } from '../errors.ts';
import type { TokenizerSpec } from '../tokenizer-json.ts';
import { BYTE_LEVEL, byteLevelPreTokenizer } from './byte-level.ts';

const FORMAT = '.tiktoken file';
/** Tokens beyond this are refused: o200k_base has 199,998. */
const MAX_TOKENS = 1 << 22;
/** Ranks beyond this are refused. */
const MAX_RANK = 1 << 24;

export interface TiktokenOptions {
  /** The encoding's split pattern: a named one, or an expression in the syntax of tokenizer.json. */
  readonly pattern: string;
  /** Special tokens and their ids; the file has none. */
  readonly specialTokens?: Readonly<Record<string, number>>;
}

/**
 * Reads a `.tiktoken` file: a line for each token, its bytes in base64 and its rank, which is its id.
 * @throws TokenizerFormatError
 */
export function readTiktoken(
  file: Uint8Array,
  { pattern, specialTokens = {} }: TiktokenOptions,
): TokenizerSpec {
  const added = Object.entries(specialTokens).map(([content, id]) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  return {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: byteLevelPreTokenizer(pattern),
    post_processor: null,
    decoder: BYTE_LEVEL,
    model: { type: 'RankedBPE', ...readRanks(file) },
  };
}

function readRanks(file: Uint8Array): { bytes: Uint8Array; ends: Uint32Array; ids: Uint32Array } {
  // A line is at least `AA== 0` and its end: no file has more tokens than this, or more bytes than characters.
  const most = Math.min(MAX_TOKENS, Math.ceil((file.length + 1) / 7));
  const bytes = new Uint8Array(file.length);
  const ends = new Uint32Array(most);
  const ids = new Uint32Array(most);
  let token = 0;
  let end = 0;
  let at = 0;
  const fail = (reason: string): never => {
    throw new TokenizerFormatError(FORMAT, `${reason} on line ${token + 1}.`);
  };
  while (at < file.length) {
    if (token === most) fail(`more tokens than ${MAX_TOKENS}, or lines too short to be any,`);
    const start = end;
    let bits = 0;
    let held = 0;
    let value = file[at]!;
    for (; BASE64[value]! < 64; value = file[++at]!) {
      held = (held << 6) | BASE64[value]!;
      bits += 6;
      if (bits < 8) continue;
      bits -= 8;
      bytes[end++] = (held >> bits) & 0xff;
    }
    while (file[at] === EQUALS) at++;
    if (file[at] !== SPACE) fail('something other than base64 and a space');
    if (end === start) fail('an empty token');
    let rank = 0;
    const digits = ++at;
    for (let digit = file[at]! - ZERO; digit >= 0 && digit <= 9; digit = file[++at]! - ZERO) {
      rank = rank * 10 + digit;
      if (rank > MAX_RANK) fail(`a rank above ${MAX_RANK}`);
    }
    if (at === digits) fail('no rank');
    if (file[at] === RETURN) at++;
    if (at < file.length && file[at++] !== NEWLINE) fail('something after the rank');
    if (token > 0 && rank <= ids[token - 1]!)
      fail(`rank ${rank} after rank ${ids[token - 1]}: they must ascend,`);
    ids[token] = rank;
    ends[token++] = end;
  }
  if (token === 0) throw new TokenizerFormatError(FORMAT, 'it is empty.');
  return { bytes: bytes.slice(0, end), ends: ends.slice(0, token), ids: ids.slice(0, token) };
}

const SPACE = 0x20;
const EQUALS = 0x3d;
const ZERO = 0x30;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Character code to its six bits; 255 for what is not base64. An index outside gives undefined, which ends the loop too. */
const BASE64 = /* @__PURE__ */ base64Table();

function base64Table(): Uint8Array {
  const table = new Uint8Array(256).fill(255);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}
