import { resolve } from 'node:path';
import { parameterShapes } from '@minigpt/models';
import { HubError } from '../hub/errors.ts';
import { type HubFolder, hubFolder } from '../hub/hub-folder.ts';
import type { HubName } from '../hub/hub-name.ts';
import { openHuggingFace, readConfig } from '../hugging-face/open.ts';
import type { Pretrained } from '../hugging-face/pretrained.ts';
import type { JsonObject } from '../json.ts';
import type { LoadProgress } from '../pretrained/load-progress.ts';
import { openModelFile } from '../pretrained/open-model-file.ts';
import { elementCount } from '../source/lazy-state-dict.ts';
import { MemoryLimitError } from '../source/memory.ts';
import { hubCache, nodeHash } from './hub-cache.ts';
import { hubEnvironment } from './hub-environment.ts';

/** How a model is had from a hub. */
export interface HubOptions {
  /** A branch, tag or commit. Default that of `org/name@revision`, else `main`. */
  readonly revision?: string;
  /** Default HF_TOKEN, or what `hf auth login` saved. */
  readonly token?: string;
  /** Only what was downloaded before. Default HF_HUB_OFFLINE. */
  readonly offline?: boolean;
  /** The hub. Default HF_ENDPOINT, or `https://huggingface.co`. */
  readonly endpoint?: string;
  /** Where downloads are kept, in the layout of Hugging Face's cache. Default HF_HUB_CACHE, or `~/.cache/huggingface/hub`. */
  readonly cacheDir?: string;
}

export interface OpenHubOptions {
  readonly hub?: HubOptions;
  /** Read weights by range requests rather than download them: for looking at a few. Default false. */
  readonly remote?: boolean;
  /** The memory that loading may take, in bytes: a larger model is refused before its weights are downloaded. Default: any. */
  readonly maxBytes?: number;
  /** Told as a download goes on. */
  readonly onProgress?: (progress: LoadProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * The files of a repository on the hub; each is downloaded into the cache when it is first opened.
 *
 * @throws HubError
 */
export async function openHubFolder(
  { repository, revision }: HubName,
  { hub = {}, remote, onProgress, signal }: OpenHubOptions = {},
): Promise<HubFolder> {
  const environment = await hubEnvironment();
  return hubFolder(repository, {
    revision: hub.revision ?? revision,
    token: hub.token ?? environment.token,
    offline: hub.offline ?? environment.offline,
    endpoint: hub.endpoint ?? environment.endpoint,
    store: hubCache(resolve(hub.cacheDir ?? environment.cacheDir)),
    createHash: nodeHash,
    remote,
    onProgress,
    signal,
  });
}

/**
 * Opens a model on the hub: a repository in Hugging Face's layout, or a GGUF file of one.
 *
 * @throws HubError, and what `openPretrained` throws
 */
export async function openHub(name: HubName, options?: OpenHubOptions): Promise<Pretrained> {
  const folder = await openHubFolder(name, options);
  const file = name.file ?? onlyGguf(name.repository, folder);
  if (file === undefined) {
    if (options?.maxBytes !== undefined) checkRoom(await readConfig(folder), options.maxBytes);
    return openHuggingFace(folder);
  }
  const source = await folder.open(file);
  if (source === undefined) {
    throw new HubError(
      name.repository,
      'not found',
      `${name.repository} has no file ${file}${listed(ggufFiles(folder))}.`,
    );
  }
  return openModelFile(source);
}

/** @throws ConfigError for a model that is not implemented; MemoryLimitError */
function checkRoom(config: JsonObject, maxBytes: number): void {
  let bytes = 0;
  for (const shape of parameterShapes(config).values()) bytes += 4 * elementCount(shape);
  if (bytes > maxBytes) throw new MemoryLimitError(bytes, maxBytes);
}

function ggufFiles({ files = [] }: HubFolder): string[] {
  return files.filter((file) => file.endsWith('.gguf'));
}

/** The weights of a repository that holds GGUF alone. @throws HubError where there are several to choose from */
function onlyGguf(repository: string, folder: HubFolder): string | undefined {
  if (folder.files?.some((file) => file.endsWith('.safetensors'))) return undefined;
  const found = ggufFiles(folder);
  if (found.length > 1) {
    throw new HubError(
      repository,
      'not found',
      `${repository} holds several models: name one of them, as ${repository}/FILE${listed(found)}.`,
    );
  }
  return found[0];
}

function listed(files: readonly string[]): string {
  return files.length === 0 ? '' : ` (${files.join(', ')})`;
}
