import { dirname } from 'node:path';
import { type HubName, parseHubName } from '../hub/hub-name.ts';
import { statIfThere } from './folder.ts';

/**
 * The name on the hub that a path is where there is nothing at it: `org/name`, `org/name@revision`, `org/name/file.gguf`. Where
 * there is a folder `org`, the path is a mistyped one of this machine, and nothing is asked of the hub.
 */
export async function hubNameAt(path: string): Promise<HubName | undefined> {
  if ((await statIfThere(path)) !== undefined) return undefined;
  const name = parseHubName(path);
  if (name === undefined || (await statIfThere(dirname(name.repository))) !== undefined) return undefined;
  return name;
}
