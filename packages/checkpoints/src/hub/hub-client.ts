import { isRecord } from '../json.ts';
import { HubError } from './errors.ts';
import type { HubBlob } from './hub-store.ts';

/** How to reach a hub. */
export interface HubConnection {
  /** Default `https://huggingface.co`. */
  readonly endpoint?: string;
  /** An access token, for private and gated models. It goes to `endpoint` alone. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** What a repository holds at one commit. */
export interface HubListing {
  /** Undefined where the server does not say it of the whole repository. */
  readonly commit: string | undefined;
  /** By their paths; undefined where the server has no listing, or one without sizes. */
  readonly files: ReadonlyMap<string, HubBlob> | undefined;
}

const ENDPOINT = 'https://huggingface.co';
/** Of waiting as the server asks, in seconds. */
const LONGEST_WAIT = 60;

/**
 * The files of a repository (`GET /api/models/ORG/NAME/revision/REVISION?blobs=true`, https://huggingface.co/docs/hub/api).
 *
 * @throws HubError
 */
export async function listRepository(
  repository: string,
  revision: string,
  connection: HubConnection,
): Promise<HubListing> {
  const path = `/api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const response = await hubRequest(repository, path, connection, { Accept: 'application/json' });
  // Mirrors that serve files alone have no API, and no code for it.
  if (response.status === 404 && errorCode(response) === undefined) {
    await response.body?.cancel();
    return { commit: undefined, files: undefined };
  }
  await checkAnswer(repository, revision, response, connection);
  const info: unknown = await response.json().catch(() => undefined);
  if (!isRecord(info) || typeof info.sha !== 'string' || !Array.isArray(info.siblings)) {
    throw new HubError(
      repository,
      'answer',
      `The hub must list the files of ${repository}, but it answered otherwise.`,
    );
  }
  const files = new Map<string, HubBlob>();
  for (const item of info.siblings) {
    if (!isRecord(item) || typeof item.rfilename !== 'string') continue;
    const lfs = isRecord(item.lfs) ? item.lfs : undefined;
    const id = lfs?.sha256 ?? item.blobId;
    const size = lfs?.size ?? item.size;
    if (typeof id !== 'string' || typeof size !== 'number') return { commit: info.sha, files: undefined };
    files.set(item.rfilename, checkedBlob(repository, item.rfilename, { id, size }));
  }
  return { commit: info.sha, files };
}

/**
 * A file by the headers that the hub sends before it redirects to where the file is stored, as `huggingface_hub` asks for it:
 * `X-Repo-Commit`, `X-Linked-Etag`, `X-Linked-Size`. Browsers hide them.
 *
 * @returns undefined where there is no such file
 * @throws HubError
 */
export async function describeFile(
  repository: string,
  revision: string,
  file: string,
  connection: HubConnection,
): Promise<{ readonly blob: HubBlob; readonly commit: string } | undefined> {
  const { endpoint = ENDPOINT } = connection;
  let path = filePath(repository, revision, file);
  for (let hops = 0; hops < 5; hops++) {
    const response = await hubRequest(
      repository,
      path,
      connection,
      {},
      { method: 'HEAD', redirect: 'manual' },
    );
    const { headers, status } = response;
    const location = headers.get('location');
    const target = location === null ? undefined : new URL(location, urlAt(endpoint, path));
    const isRedirect = status >= 300 && status < 400;
    const etag = (headers.get('x-linked-etag') ?? headers.get('etag'))
      ?.replace(/^W\//, '')
      .replaceAll('"', '');
    const commit = headers.get('x-repo-commit');
    if (isRedirect && commit === null && target?.origin === new URL(endpoint).origin) {
      path = target.href; // a repository that was renamed
      continue;
    }
    if (
      status === 404 &&
      errorCode(response) !== 'RepoNotFound' &&
      errorCode(response) !== 'RevisionNotFound'
    ) {
      return undefined;
    }
    if (!isRedirect) await checkAnswer(repository, revision, response, connection);
    const size = Number(
      headers.get('x-linked-size') ?? (isRedirect ? Number.NaN : headers.get('content-length')),
    );
    if (etag === undefined || !Number.isSafeInteger(size)) break;
    return { blob: checkedBlob(repository, file, { id: etag, size }), commit: commit ?? revision };
  }
  throw new HubError(
    repository,
    'answer',
    `The hub must say the size and ETag of ${file} of ${repository}, but it does not.`,
  );
}

/** The URL of a file, which may redirect to where it is stored. */
export function fileUrl(
  repository: string,
  revision: string,
  file: string,
  { endpoint = ENDPOINT }: HubConnection,
): string {
  return urlAt(endpoint, filePath(repository, revision, file));
}

/** A path of the hub, or a whole URL; mirrors may lie below a path of their own. */
function urlAt(endpoint: string, path: string): string {
  return path.startsWith('/') ? endpoint.replace(/\/+$/, '') + path : path;
}

function filePath(repository: string, revision: string, file: string): string {
  const path = file.split('/').map(encodeURIComponent).join('/');
  return `/${repository}/resolve/${encodeURIComponent(revision)}/${path}`;
}

export function authorization({ token }: HubConnection): Record<string, string> {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

/** One request; waits and asks again where the hub asks for it. */
export async function hubRequest(
  repository: string,
  path: string,
  connection: HubConnection,
  headers: Readonly<Record<string, string>>,
  init: RequestInit = {},
): Promise<Response> {
  const { endpoint = ENDPOINT, signal } = connection;
  for (let waits = 0; ; waits++) {
    let response: Response;
    try {
      response = await fetch(urlAt(endpoint, path), {
        ...init,
        signal,
        headers: { ...authorization(connection), 'Accept-Encoding': 'identity', ...headers },
      });
    } catch (cause) {
      signal?.throwIfAborted();
      throw new HubError(
        repository,
        'network',
        `${endpoint} cannot be reached for ${repository} (${reasonOf(cause)}). Check the connection; or give a folder, or work ` +
          'offline (HF_HUB_OFFLINE=1) where the model was downloaded before.',
        { cause },
      );
    }
    if (response.status !== 429) return response;
    await response.body?.cancel();
    const seconds = Number(response.headers.get('retry-after') ?? 1);
    if (waits === 3 || !(seconds <= LONGEST_WAIT)) {
      throw new HubError(
        repository,
        'rate limit',
        `The hub takes no more requests from here for now (429)${seconds > 0 ? `, ask again in ${seconds} s` : ''}; with a token ` +
          '(HF_TOKEN) it takes more.',
        { status: 429 },
      );
    }
    await wait(seconds * 1000, signal);
  }
}

/** @throws HubError unless the answer is a good one */
export async function checkAnswer(
  repository: string,
  revision: string,
  response: Response,
  { endpoint = ENDPOINT, token }: HubConnection,
): Promise<void> {
  if (response.ok) return;
  await response.body?.cancel();
  const { status } = response;
  const code = errorCode(response);
  const fail = (fault: 'access' | 'not found' | 'answer', message: string) =>
    new HubError(repository, fault, message, { status });
  if (code === 'RevisionNotFound') {
    throw fail(
      'not found',
      `${repository} has no revision ${JSON.stringify(revision)}; name a branch, tag or commit of it.`,
    );
  }
  if (code === 'GatedRepo' || status === 403) {
    const way =
      token === undefined
        ? 'set HF_TOKEN to a token of an account that was'
        : 'the account of the given token was not';
    throw fail(
      'access',
      `${repository} is given to those alone who were granted access; ask for it at ${endpoint}/${repository} and ${way}.`,
    );
  }
  if (status === 401 || code === 'RepoNotFound' || status === 404) {
    const isRefused = token !== undefined && status === 401 && code === undefined;
    throw isRefused
      ? fail(
          'access',
          `The hub refuses the token that was given for ${repository} (401); make a new one at ${endpoint}/settings/tokens.`,
        )
      : fail(
          status === 401 ? 'access' : 'not found',
          `The hub has no model ${repository}, or it is private; check the name${token === undefined ? ', or set HF_TOKEN to a token that may read it' : ''}.`,
        );
  }
  throw fail(
    'answer',
    `The hub answered ${`${status} ${response.statusText}`.trim()} for ${repository}; try again later.`,
  );
}

function errorCode({ headers }: Response): string | undefined {
  return headers.get('x-error-code') ?? undefined;
}

/** What a server says becomes the name of a file. @throws HubError */
function checkedBlob(repository: string, file: string, blob: HubBlob): HubBlob {
  if (/^[\w-]{1,200}$/.test(blob.id) && Number.isSafeInteger(blob.size) && blob.size >= 0) return blob;
  throw new HubError(
    repository,
    'answer',
    `The hub must say a size and an id of ${file} of ${repository}, but says ${JSON.stringify(blob).slice(0, 200)}.`,
  );
}

/** What made fetch fail; it says so in its cause. */
export function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  if (!(cause instanceof Error)) return message;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

export function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', stop, { once: true });
  });
}
