import { createHash } from 'node:crypto';
import type { TokenizerJson } from '@minigpt/tokenizers';

/** Which tokenizer it is: SHA-256 of its JSON without white space, as checkpoints record it (`tokenizerDigest`). */
export function tokenizerSha256(tokenizer: TokenizerJson): string {
  return createHash('sha256').update(JSON.stringify(tokenizer)).digest('hex');
}
