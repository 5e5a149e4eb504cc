import type { IdBuffer } from './id-buffer.ts';

/** Normalizing and splitting are done: turns a stretch of text into ids. */
export interface WordEncoder {
  encode(text: string, start: number, end: number, buffer: IdBuffer): void;
}
