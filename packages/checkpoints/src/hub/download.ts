import { HubError } from './errors.ts';
import { checkAnswer, fileUrl, type HubConnection, hubRequest, reasonOf, wait } from './hub-client.ts';
import type { CreateHash, HubBlob, HubStore, PartialBlob, RunningHash } from './hub-store.ts';

export interface DownloadOptions {
  readonly connection: HubConnection;
  readonly store: HubStore;
  readonly createHash: CreateHash;
  /** Told of the bytes that are there, also of those from before. */
  readonly onProgress?: (loadedBytes: number) => void;
}

/** Attempts without a byte, one after another. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 200;

/**
 * Downloads one file of a commit into the store, going on where an earlier attempt stopped, and holds it against its hash.
 *
 * @throws HubError; what came so far stays in the store, unless it is not what was asked for
 */
export async function downloadBlob(
  repository: string,
  commit: string,
  file: string,
  blob: HubBlob,
  { connection, store, createHash, onProgress }: DownloadOptions,
): Promise<void> {
  if (await store.link(repository, commit, file, blob)) return;
  const url = fileUrl(repository, commit, file, connection);
  const partial = await store.begin(repository, blob);
  try {
    let hash = await hashOf(partial, blob, createHash);
    onProgress?.(partial.bytes);
    for (let failures = 0; partial.bytes < blob.size || hash === undefined; ) {
      const before = partial.bytes;
      try {
        if (partial.bytes > blob.size) hash = undefined;
        if (hash === undefined) {
          await partial.clear();
          hash = beginHash(blob, createHash);
        }
        hash = await transfer(repository, commit, url, blob, {
          partial,
          hash,
          connection,
          createHash,
          onProgress,
        });
      } catch (error) {
        if (!(error instanceof Interruption)) throw error;
        failures = partial.bytes > before ? 1 : failures + 1;
        if (failures === ATTEMPTS) throw interrupted(repository, file, partial.bytes, blob.size, error);
        await wait(FIRST_PAUSE_MS * 2 ** (failures - 1), connection.signal);
      }
    }
    checkHash(repository, file, blob, hash);
  } catch (error) {
    if (error instanceof HubError && error.fault === 'checksum') await partial.clear();
    await partial.suspend();
    throw error;
  }
  await partial.finish();
  await store.link(repository, commit, file, blob);
}

/** The connection broke; what came before is kept. */
class Interruption extends Error {}

interface Transfer {
  readonly partial: PartialBlob;
  readonly hash: RunningHash;
  readonly connection: HubConnection;
  readonly createHash: CreateHash;
  readonly onProgress?: (loadedBytes: number) => void;
}

/** One request for what is missing. @returns the hash of what is there then, a new one if the server began anew */
async function transfer(
  repository: string,
  commit: string,
  url: string,
  blob: HubBlob,
  { partial, hash, connection, createHash, onProgress }: Transfer,
): Promise<RunningHash> {
  const headers: Record<string, string> = partial.bytes === 0 ? {} : { Range: `bytes=${partial.bytes}-` };
  const response = await hubRequest(repository, url, connection, headers).catch((error: unknown) => {
    throw error instanceof HubError && error.fault === 'network'
      ? new Interruption(error.message, { cause: error })
      : error;
  });
  if (response.status >= 500) {
    await response.body?.cancel();
    throw new Interruption(`the server answered ${response.status}`);
  }
  await checkAnswer(repository, commit, response, connection);
  let running = hash;
  const goesOn = response.status === 206 && beginOf(response) === partial.bytes;
  if (!goesOn && partial.bytes > 0) {
    await partial.clear();
    running = beginHash(blob, createHash);
    if (response.status === 206) {
      await response.body?.cancel();
      return running; // another part than was asked for: ask for the whole
    }
  }
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read().catch(broken(connection))) ?? { done: true };
      if (done || value === undefined) break;
      if (partial.bytes + value.length > blob.size) {
        throw new HubError(
          repository,
          'checksum',
          `More came than the ${blob.size} bytes of ${url}; nothing of it is kept.`,
        );
      }
      running.update(value);
      await partial.append(value);
      onProgress?.(partial.bytes);
    }
  } finally {
    await reader?.cancel().catch(() => undefined); // already broken
  }
  if (partial.bytes < blob.size) throw new Interruption('the connection was closed early');
  return running;
}

function broken({ signal }: HubConnection) {
  return (error: unknown): never => {
    signal?.throwIfAborted();
    throw new Interruption(reasonOf(error), { cause: error });
  };
}

/** Where the bytes of a partial answer begin: `Content-Range: bytes 10-99/100`. */
function beginOf({ headers }: Response): number {
  return Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** The hash of what is there already; undefined where there is more than the whole. */
async function hashOf(
  partial: PartialBlob,
  blob: HubBlob,
  create: CreateHash,
): Promise<RunningHash | undefined> {
  if (partial.bytes > blob.size) return undefined;
  const hash = beginHash(blob, create);
  for await (const chunk of partial.read()) hash.update(chunk);
  return hash;
}

/** SHA-256 for the ids of large files, git's SHA-1 for those of small ones. */
function beginHash({ id, size }: HubBlob, create: CreateHash): RunningHash {
  if (!GIT_ID.test(id)) return create('sha256');
  const hash = create('sha1');
  hash.update(new TextEncoder().encode(`blob ${size}\0`));
  return hash;
}

const GIT_ID = /^[0-9a-f]{40}$/;
const SHA256_ID = /^[0-9a-f]{64}$/;

function checkHash(repository: string, file: string, { id }: HubBlob, hash: RunningHash): void {
  if (!GIT_ID.test(id) && !SHA256_ID.test(id)) return; // an ETag that is no hash: the length is all there is to check
  const found = hash.hex();
  if (found === id) return;
  throw new HubError(
    repository,
    'checksum',
    `${file} of ${repository} must have the ${GIT_ID.test(id) ? 'git id' : 'SHA-256'} ${id}, but what came has ${found}; ` +
      'it was damaged on the way, and nothing of it is kept. Download it again.',
  );
}

function interrupted(repository: string, file: string, bytes: number, size: number, cause: Error): HubError {
  return new HubError(
    repository,
    'interrupted',
    `The download of ${file} of ${repository} stopped at ${bytes} of ${size} bytes (${cause.message}); ` +
      'what came is kept, and the next attempt goes on there.',
    { cause },
  );
}
