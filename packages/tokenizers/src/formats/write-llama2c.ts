import { TokenizerFormatError } from '../errors.ts';
import type { TokenizerJson } from '../tokenizer-json.ts';

const FORMAT = 'llama2.c tokenizer.bin';
/** Where run.c expects the tokens of the bytes 0 to 255. */
const FIRST_BYTE_ID = 3;

/**
 * A tokenizer as llama2.c's `tokenizer.bin` (karpathy/llama2.c, tokenizer.py `export`), which `run` reads: BPE as SentencePiece's,
 * with `<unk>`, `<s>`, `</s>` and then the 256 bytes as its first ids. A score there is what a merge here is: the earlier, the higher.
 * @throws TokenizerFormatError for a tokenizer of another kind
 */
export function writeLlama2cTokenizer({ model, added_tokens = [] }: TokenizerJson): Uint8Array {
  if (model.type !== 'BPE')
    throw new TokenizerFormatError(FORMAT, `it holds BPE, but the tokenizer is ${model.type}.`);
  const ids = new Map(Object.entries(model.vocab));
  for (const { content, id } of added_tokens) ids.set(content, id);
  const tokens: string[] = [];
  for (const [token, id] of ids) tokens[id] = token;
  for (let id = 0; id < tokens.length; id++) {
    if (tokens[id] === undefined)
      throw new TokenizerFormatError(FORMAT, `each id has a token, but ${id} has none.`);
  }
  for (let byte = 0; byte < 256; byte++) {
    const token = `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
    if (tokens[FIRST_BYTE_ID + byte] === token) continue;
    throw new TokenizerFormatError(
      FORMAT,
      `the tokens of the 256 bytes follow the first three, but token ${FIRST_BYTE_ID + byte} is not ${token}.`,
    );
  }
  const scores = new Float32Array(tokens.length).fill(-model.merges.length);
  for (const [rank, merge] of [...model.merges.entries()].reverse()) {
    const id = ids.get((typeof merge === 'string' ? merge.split(' ') : merge).join(''));
    if (id !== undefined) scores[id] = -rank;
  }
  const encoder = new TextEncoder();
  const texts = tokens.map((token, id) => encoder.encode(textOf(token, id)));
  const longest = Math.max(...texts.map(({ length }) => length));
  const bytes = new Uint8Array(4 + texts.reduce((sum, { length }) => sum + 8 + length, 0));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, longest, true);
  let at = 4;
  for (const [id, text] of texts.entries()) {
    view.setFloat32(at, scores[id]!, true);
    view.setInt32(at + 4, text.length, true);
    bytes.set(text, at + 8);
    at += 8 + text.length;
  }
  return bytes;
}

/** Spaces are plain, and the marks of beginning and end stand on lines of their own. */
function textOf(token: string, id: number): string {
  if (id === 1 || id === 2) return `\n${token}\n`;
  return token.replaceAll('\u2581', ' ');
}
