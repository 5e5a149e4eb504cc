import { type ByteSource, checkLength, checkRange, SourceError } from './byte-source.ts';

export interface UrlSourceOptions {
  /** Sent with each request, such as `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** What one answer says of the whole file. */
interface Whole {
  readonly size: number;
  readonly etag: string | null;
}

/**
 * A file behind a URL whose server answers range requests (RFC 9110, section 14); each read is one request.
 *
 * @throws SourceError where the URL cannot be reached or its server sends whole files only
 */
export async function openUrl(url: string | URL, options: UrlSourceOptions = {}): Promise<ByteSource> {
  const name = String(url);
  const first = await requestRange(name, 0, 1, options);
  await first.response.body?.cancel();
  const { size, etag } = first.whole;
  const source: ByteSource = {
    name,
    size,
    async readAt(offset, length) {
      checkRange(source, offset, length);
      if (length === 0) return new Uint8Array(0);
      const { response, whole } = await requestRange(name, offset, length, options);
      if (whole.size !== size || whole.etag !== etag) {
        await response.body?.cancel();
        throw new SourceError(name, 'unchanged', 'it was replaced by another file while it was read.');
      }
      const bytes = new Uint8Array(await connected(name, response.arrayBuffer()));
      checkLength(name, offset, length, bytes.length);
      return bytes;
    },
    async close() {},
  };
  return source;
}

async function requestRange(
  name: string,
  offset: number,
  length: number,
  { headers, signal }: UrlSourceOptions,
): Promise<{ response: Response; whole: Whole }> {
  const Range = `bytes=${offset}-${offset + length - 1}`;
  const response = await connected(name, fetch(name, { headers: { ...headers, Range }, signal }));
  const whole = { size: sizeOf(response), etag: response.headers.get('etag') };
  // An empty file has no first byte: 416, with its length of 0.
  const isEmpty = response.status === 416 && whole.size === 0;
  if (isEmpty || (response.status === 206 && Number.isSafeInteger(whole.size))) return { response, whole };
  await response.body?.cancel();
  if (response.status !== 416) checkOk(name, response);
  throw new SourceError(
    name,
    'range requests',
    'the server must answer range requests with 206 and a Content-Range (exposed by CORS), but it does not; ' +
      'download the whole file first.',
  );
}

/** A small file, whole. @throws SourceError with the server's `status` where it is not there */
export async function fetchWhole(name: string, { headers, signal }: UrlSourceOptions): Promise<Uint8Array> {
  const response = await connected(name, fetch(name, { headers, signal }));
  if (!response.ok) await response.body?.cancel();
  checkOk(name, response);
  return new Uint8Array(await connected(name, response.arrayBuffer()));
}

function checkOk(name: string, { ok, status, statusText }: Response): void {
  if (ok) return;
  throw new SourceError(name, 'reachable', `the server answered ${`${status} ${statusText}`.trim()}.`, {
    status,
  });
}

/** The length of the whole file, from `Content-Range: bytes 0-9/1234`; NaN where it is not said. */
function sizeOf(response: Response): number {
  return Number(/^bytes .*\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
}

/** Turns fetch's TypeError, which says little, into a SourceError; an abort stays what it is. */
async function connected<T>(name: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    const reason = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new SourceError(name, 'reachable', `the connection failed (${reason}).`, { cause });
  }
}
