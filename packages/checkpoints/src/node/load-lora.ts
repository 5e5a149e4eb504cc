import type { LoraAdapter } from '../lora/adapter.ts';
import { readLora } from '../lora/files.ts';
import { folderSource } from './folder-source.ts';
import { hubNameAt } from './hub-name-at.ts';
import { type OpenHubOptions, openHubFolder } from './open-hub.ts';

/**
 * Reads the adapter in the folder `dir`, in PEFT's layout; where there is none, that of `org/name` on the hub.
 *
 * @throws LoraError where a file is missing or broken, or has what is not implemented; HubError
 */
export async function loadLora(dir: string, options?: OpenHubOptions): Promise<LoraAdapter> {
  const name = await hubNameAt(dir);
  return readLora(name === undefined ? folderSource(dir) : await openHubFolder(name, options));
}
