import type { LoraAdapter } from '../lora/adapter.ts';
import { readLora } from '../lora/files.ts';
import { folderSource } from './folder-source.ts';

/**
 * Reads the adapter in the folder `dir`, in PEFT's layout.
 *
 * @throws LoraError where a file is missing or broken, or has what is not implemented
 */
export function loadLora(dir: string): Promise<LoraAdapter> {
  return readLora(folderSource(dir));
}
