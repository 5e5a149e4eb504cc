import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next answers do wrong. */
interface Faults {
  /** Each transfer of a large file breaks after this many bytes, so often. */
  breakAfter?: { readonly bytes: number; times: number };
  /** Large files come with their last byte changed. */
  corrupt?: boolean;
  /** So many requests are answered 429. */
  busy?: number;
  /** The storage ignores ranges. */
  noRanges?: boolean;
  /** There is no listing, as on a mirror of files alone. */
  noApi?: boolean;
}

/** A hub with one repository, `org/model`, as huggingface.co answers: an API, and large files behind a redirect. */
export interface FakeHub {
  readonly endpoint: string;
  readonly commit: string;
  readonly faults: Faults;
  /** The token without which nothing is given. */
  token: string | undefined;
  gated: boolean;
  /** Method, path and range of each request; those for the storage begin with `storage`. */
  readonly requests: string[];
  /** Authorization headers that the storage got. */
  readonly leaked: string[];
  close(): Promise<void>;
}

const LARGE_BYTES = 400;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const gitId = (bytes: Uint8Array) =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

export async function startFakeHub(files: ReadonlyMap<string, Uint8Array>): Promise<FakeHub> {
  const commit = createHash('sha1')
    .update([...files.keys()].join())
    .digest('hex');
  const byHash = new Map([...files.values()].map((bytes) => [sha256(bytes), bytes]));
  const faults: Faults = {};
  const requests: string[] = [];
  const leaked: string[] = [];
  const isLarge = (bytes: Uint8Array) => bytes.length > LARGE_BYTES;

  const log = (request: IncomingMessage, path: string) => {
    const { range } = request.headers;
    requests.push(`${request.method} ${path}${range === undefined ? '' : ` ${range}`}`);
  };

  const storage = await listen((request, response) => {
    log(request, 'storage');
    if (request.headers.authorization !== undefined) leaked.push(request.headers.authorization);
    const whole = byHash.get((request.url ?? '').slice(1))!;
    const bytes = faults.corrupt ? Buffer.from(whole).fill(0xff, whole.length - 1) : whole;
    sendBytes(request, response, bytes, faults);
  });

  const hub = await listen((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://hub');
    log(request, pathname);
    const refuse = (status: number, code?: string, headers = {}) =>
      response.writeHead(status, { ...(code && { 'X-Error-Code': code }), ...headers }).end();
    if (faults.busy !== undefined && faults.busy-- > 0) return refuse(429, undefined, { 'Retry-After': '0' });
    const isApi = pathname.startsWith('/api/');
    if (isApi && faults.noApi) return refuse(404);
    const authorized = fake.token === undefined || request.headers.authorization === `Bearer ${fake.token}`;
    if (!authorized && !(isApi && fake.gated)) {
      return fake.gated ? refuse(401, 'GatedRepo') : refuse(401, 'RepoNotFound');
    }
    const match = /^\/(?:api\/models\/)?org\/model\/(?:revision|resolve)\/([^/]+)(?:\/(.+))?$/.exec(pathname);
    if (match === null) return refuse(404, 'RepoNotFound');
    if (match[1] !== 'main' && match[1] !== commit) return refuse(404, 'RevisionNotFound');
    if (isApi) return sendJson(response, { sha: commit, siblings: siblings(files, isLarge) });
    const bytes = files.get(decodeURIComponent(match[2]));
    if (bytes === undefined) return refuse(404, 'EntryNotFound');
    response.setHeader('X-Repo-Commit', commit);
    if (!isLarge(bytes)) {
      response.setHeader('ETag', `"${gitId(bytes)}"`);
      return sendBytes(request, response, bytes, {});
    }
    response.setHeader('X-Linked-Etag', `"${sha256(bytes)}"`);
    response.setHeader('X-Linked-Size', bytes.length);
    response.writeHead(302, { Location: `${storage.url}/${sha256(bytes)}` }).end();
  });

  const fake: FakeHub = {
    endpoint: hub.url,
    commit,
    faults,
    token: undefined,
    gated: false,
    requests,
    leaked,
    close: async () => {
      await Promise.all([hub.close(), storage.close()]);
    },
  };
  return fake;
}

function siblings(files: ReadonlyMap<string, Uint8Array>, isLarge: (bytes: Uint8Array) => boolean) {
  return [...files].map(([rfilename, bytes]) => ({
    rfilename,
    size: bytes.length,
    blobId: gitId(bytes),
    ...(isLarge(bytes) && { lfs: { sha256: sha256(bytes), size: bytes.length, pointerSize: 130 } }),
  }));
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(value));
}

function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  { breakAfter, noRanges = false }: Faults,
): void {
  const match = noRanges ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const begin = Number(match?.[1] ?? 0);
  const end = match?.[2] ? Number(match[2]) + 1 : bytes.length;
  const part = bytes.subarray(begin, end);
  if (match !== null) response.setHeader('Content-Range', `bytes ${begin}-${end - 1}/${bytes.length}`);
  response.writeHead(match === null ? 200 : 206, { 'Content-Length': part.length });
  if (request.method === 'HEAD') return void response.end();
  if (breakAfter === undefined || breakAfter.times === 0) return void response.end(part);
  breakAfter.times--;
  response.write(part.subarray(0, breakAfter.bytes), () => setTimeout(() => response.destroy(), 20));
}

/** Pages of other sites may ask, as they may ask huggingface.co, and see these headers. */
const EXPOSED = 'ETag, Content-Range, X-Error-Code, X-Repo-Commit, X-Linked-Etag, X-Linked-Size';

async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer((request, response) => {
    response.setHeader('Access-Control-Allow-Origin', '*');
    response.setHeader('Access-Control-Expose-Headers', EXPOSED);
    if (request.method !== 'OPTIONS') return answer(request, response);
    response.writeHead(204, { 'Access-Control-Allow-Headers': 'Authorization, Range' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
