import { sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { CheckpointError } from '../errors.ts';
import { cacheStore } from './cache-store.ts';
import { type HubFolder, type HubFolderOptions, hubFolder } from './hub-folder.ts';
import { parseHubName } from './hub-name.ts';
import type { CreateHash } from './hub-store.ts';

export type OpenHubOptions = Omit<HubFolderOptions, 'store' | 'createHash'>;

/** The name of the cache in the browser's storage. */
const CACHE_NAME = 'minigpt-hub';

/**
 * The files of a model on the hub, `org/name` or `org/name@revision`, in a browser: each is downloaded into the browser's storage
 * when it is first opened, so that the next visit needs no network. Node's is in `@minigpt/checkpoints/node`.
 *
 * @throws HubError; CheckpointError for another name, or where there is no storage (it takes https or localhost)
 */
export async function openHub(name: string, options: OpenHubOptions = {}): Promise<HubFolder> {
  const parsed = parseHubName(name);
  if (parsed === undefined || parsed.file !== undefined) {
    throw new CheckpointError(
      `A model on the hub is org/name or org/name@revision, but ${JSON.stringify(name)} came.`,
    );
  }
  if (globalThis.caches === undefined) {
    throw new CheckpointError(
      'Downloads are kept in the storage of a browser, which pages get over https or from localhost, but there is none here; ' +
        'in Node take loadPretrained of @minigpt/checkpoints/node.',
    );
  }
  const store = cacheStore(await caches.open(CACHE_NAME));
  return hubFolder(parsed.repository, { revision: parsed.revision, ...options, store, createHash });
}

const createHash: CreateHash = (algorithm) => {
  const hash = (algorithm === 'sha256' ? sha256 : sha1).create();
  return {
    update: (bytes) => hash.update(bytes),
    hex: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
};
