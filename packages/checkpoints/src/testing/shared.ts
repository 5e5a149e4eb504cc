import { readFileSync } from 'node:fs';
import { NEEDS_REFERENCE_DATA, readReferenceJson, referenceData } from '@minigpt/testing/reference';

const root = referenceData();

export const hasShared = root !== undefined;

/** Why a test is skipped, for its title. */
export const NEEDS_SHARED = NEEDS_REFERENCE_DATA;

export function sharedPath(path: string): string {
  return `${root}/${path}`;
}

export function sharedFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(sharedPath(path)));
}

export function sharedJson<T>(path: string): T {
  return readReferenceJson<T>(sharedPath(path));
}
