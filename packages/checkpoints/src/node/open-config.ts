import { basename, dirname, join } from 'node:path';
import { readConfig } from '../hugging-face/open.ts';
import type { JsonObject } from '../json.ts';
import { INDEX_FILE } from '../sharded/open-sharded.ts';
import { statIfThere } from './folder.ts';
import { folderSource } from './folder-source.ts';

/**
 * The config at a path where there is nothing else of a model: a `config.json`, or a folder that holds one and no weights.
 *
 * @returns undefined for any other path
 * @throws CheckpointFileError where the file is no config
 */
export async function openConfig(path: string): Promise<JsonObject | undefined> {
  const info = await statIfThere(path);
  if (info?.isFile() && path.endsWith('.json') && !path.endsWith(INDEX_FILE)) {
    return readConfig(folderSource(dirname(path)), basename(path));
  }
  if (!info?.isDirectory()) return undefined;
  for (const file of ['model.safetensors', INDEX_FILE]) {
    if ((await statIfThere(join(path, file))) !== undefined) return undefined;
  }
  return (await statIfThere(join(path, 'config.json'))) && readConfig(folderSource(path));
}
