import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The golden data, which are not part of the repository. */
const root = process.env.MINIGPT_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url));

export const hasShared = existsSync(root);

/** Why a test is skipped, for its title. */
export const NEEDS_SHARED = '(needs MINIGPT_SHARED)';

export function sharedPath(path: string): string {
  return `${root}/data/${path}`;
}

export function sharedFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(sharedPath(path)));
}

export function sharedJson<T>(path: string): T {
  return JSON.parse(new TextDecoder().decode(sharedFile(path))) as T;
}
