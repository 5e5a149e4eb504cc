import { CheckpointError } from '../errors.ts';
import type { LoadProgress } from '../pretrained/load-progress.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { SourceFolder } from '../source/folder.ts';
import { openUrl } from '../source/url-source.ts';
import { downloadBlob } from './download.ts';
import { HubError } from './errors.ts';
import { authorization, describeFile, fileUrl, type HubConnection, listRepository } from './hub-client.ts';
import type { CreateHash, HubBlob, HubStore } from './hub-store.ts';

export interface HubFolderOptions extends HubConnection {
  readonly store: HubStore;
  readonly createHash: CreateHash;
  /** A branch, tag or commit. Default `main`. */
  readonly revision?: string;
  /** Only what was downloaded before. Default false. */
  readonly offline?: boolean;
  /** Read weights by range requests rather than download them: for looking at a few. Default false. */
  readonly remote?: boolean;
  readonly onProgress?: (progress: LoadProgress) => void;
}

/** The files of a repository at one commit, each downloaded when it is first opened. */
export interface HubFolder extends SourceFolder {
  readonly commit: string;
  /** The paths of all files, offline of those that are stored; undefined where the server has no listing. */
  readonly files: readonly string[] | undefined;
}

const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Opens a repository of a hub. One request says which commit the revision is and what it holds; without a connection, or
 * `offline`, it is the commit that the revision was when it was last asked for, as far as it was downloaded.
 *
 * @throws HubError
 */
export async function hubFolder(repository: string, options: HubFolderOptions): Promise<HubFolder> {
  const { store, revision = 'main', offline = false } = options;
  const known = COMMIT.test(revision) ? revision : await store.commitOf(repository, revision);
  const stored = known === undefined ? undefined : await storedFolder(repository, known, store);
  if (offline) {
    if (stored !== undefined) return stored;
    throw new HubError(
      repository,
      'offline',
      `Offline, a model must have been downloaded before, but ${repository}@${revision} was not; go online once (without ` +
        'HF_HUB_OFFLINE), or give a folder.',
    );
  }
  try {
    return await onlineFolder(repository, revision, options);
  } catch (error) {
    if (stored !== undefined && error instanceof HubError && error.fault === 'network') return stored;
    throw error;
  }
}

async function storedFolder(
  repository: string,
  commit: string,
  store: HubStore,
): Promise<HubFolder | undefined> {
  const files = await store.list(repository, commit);
  if (files.length === 0) return undefined;
  return {
    name: repository,
    commit,
    files,
    open: (file) => store.open(repository, commit, file),
  };
}

async function onlineFolder(
  repository: string,
  revision: string,
  { store, createHash, remote = false, onProgress, ...connection }: HubFolderOptions,
): Promise<HubFolder> {
  const listing = await listRepository(repository, revision, connection);
  const { files } = listing;
  // A server without a listing says the commit with its first file.
  const first =
    listing.commit === undefined
      ? await describeFile(repository, revision, 'config.json', connection)
      : undefined;
  const commit = listing.commit ?? first?.commit;
  if (commit === undefined) {
    throw new HubError(
      repository,
      'not found',
      `The hub has no model ${repository}, or no config.json in it; check the name.`,
    );
  }
  if (!/^[\w.-]+$/.test(commit)) {
    throw new HubError(
      repository,
      'answer',
      `The hub must name a commit of ${repository}, but it says ${JSON.stringify(commit)}.`,
    );
  }
  if (commit !== revision) await store.setCommit(repository, revision, commit);
  const blobOf = async (file: string): Promise<HubBlob | undefined> =>
    files === undefined ? (await describeFile(repository, commit, file, connection))?.blob : files.get(file);
  return {
    name: repository,
    commit,
    files: files && [...files.keys()],
    async open(file): Promise<ByteSource | undefined> {
      const there = await store.open(repository, commit, file);
      if (there !== undefined) return there;
      const blob = await blobOf(file);
      if (blob === undefined) return undefined;
      if (remote && isWeights(file)) {
        return openUrl(fileUrl(repository, commit, file, connection), {
          headers: authorization(connection),
          signal: connection.signal,
        });
      }
      await downloadBlob(repository, commit, file, blob, {
        connection,
        store,
        createHash,
        onProgress: (loadedBytes) =>
          onProgress?.({ stage: 'download', name: file, loadedBytes, totalBytes: blob.size }),
      });
      const source = await store.open(repository, commit, file);
      if (source !== undefined) return source;
      throw new CheckpointError(
        `${file} of ${repository} was removed from the cache while it was opened; try again.`,
      );
    },
  };
}

function isWeights(file: string): boolean {
  return /\.(safetensors|gguf|bin)$/.test(file);
}
