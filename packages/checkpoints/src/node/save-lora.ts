import { join } from 'node:path';
import type { LoraAdapter } from '../lora/adapter.ts';
import { loraFiles } from '../lora/files.ts';
import { replaceFile } from './replace-file.ts';

/**
 * Writes an adapter into the folder `dir`, as Python's `peft` loads it; each file is replaced whole.
 *
 * @throws CheckpointWriteError where the file system refuses
 */
export async function saveLora(dir: string, adapter: LoraAdapter): Promise<void> {
  for (const [name, chunks] of loraFiles(adapter)) await replaceFile(join(dir, name), chunks);
}
