import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blobSource } from './blob-source.ts';
import { type ByteSource, SourceError } from './byte-source.ts';
import { bytesSource } from './bytes-source.ts';
import { openFile } from './file-source.ts';
import { openUrl } from './url-source.ts';

const content = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);

let dir: string;
let server: Server;
/** How the server answers, by path. */
const answers = new Map<string, RequestListener>();
const url = (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

/** Serves `bytes` in ranges. */
const ranges =
  (bytes: () => Uint8Array, etag: () => string = () => '"1"'): RequestListener =>
  ({ headers }, response) => {
    const [, first, last] = (/^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []).map(Number);
    const body = bytes();
    const range = `${first}-${Math.min(last, body.length - 1)}`;
    const isThere = first < body.length;
    response.writeHead(isThere ? 206 : 416, {
      'content-range': `bytes ${isThere ? range : '*'}/${body.length}`,
      etag: etag(),
    });
    response.end(body.subarray(first, last + 1));
  };

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'minigpt-source-'));
  await writeFile(join(dir, 'file'), content);
  server = createServer((request, response) => {
    const answer = answers.get(request.url ?? '');
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  answers.set(
    '/file',
    ranges(() => content),
  );
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});

const kinds: [kind: string, open: () => Promise<ByteSource>][] = [
  ['memory', async () => bytesSource(content)],
  ['Blob', async () => blobSource(new Blob([content]))],
  ['file', () => openFile(join(dir, 'file'))],
  ['URL', () => openUrl(url('/file'))],
];

describe.each(kinds)('bytes in %s', (_, open) => {
  it('are read at any place, exactly', async () => {
    const source = await open();
    expect(source.size).toBe(1000);
    const places: [offset: number, length: number][] = [
      [0, 8],
      [0, 1000],
      [993, 7],
      [500, 1],
      [1000, 0],
    ];
    for (const [offset, length] of places) {
      expect(await source.readAt(offset, length)).toEqual(content.subarray(offset, offset + length));
    }
    await source.close();
  });

  it('outside are refused', async () => {
    const source = await open();
    for (const [offset, length] of [
      [0, 1001],
      [1000, 1],
      [-1, 1],
      [0.5, 1],
      [2 ** 60, 1],
      [5, -1],
    ]) {
      await expect(source.readAt(offset, length)).rejects.toMatchObject({ rule: 'range' });
    }
    await source.close();
  });
});

describe('a source that fails says which it is and why', () => {
  const failure = async (work: Promise<unknown>): Promise<SourceError> => {
    const error = await work.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (error instanceof SourceError) return error;
    throw new Error(`No SourceError, but ${error}.`);
  };

  it('a file that is missing, or a folder', async () => {
    const missing = join(dir, 'missing');
    expect(await failure(openFile(missing))).toMatchObject({ rule: 'reachable', source: missing });
    expect((await failure(openFile(dir))).message).toContain('it is not a file');
  });

  it('a file that shrinks', async () => {
    const path = join(dir, 'shrinking');
    await writeFile(path, content);
    const source = await openFile(path);
    await truncate(path, 10);
    expect(await failure(source.readAt(5, 20))).toMatchObject({ rule: 'length' });
    await source.close();
  });

  it('an address that does not exist, or is refused', async () => {
    expect((await failure(openUrl(url('/nothing')))).message).toContain('404 Not Found');
    expect(await failure(openUrl('http://127.0.0.1:1/'))).toMatchObject({ rule: 'reachable' });
  });

  it('a server that sends whole files, or hides where a range lies', async () => {
    answers.set('/whole', (_, response) => response.end(content));
    answers.set('/hidden', (_, response) => response.writeHead(206).end(content.subarray(0, 1)));
    for (const path of ['/whole', '/hidden']) {
      expect(await failure(openUrl(url(path)))).toMatchObject({ rule: 'range requests' });
    }
  });

  it('a server whose answer is too short', async () => {
    answers.set('/short', ({ headers }, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-0/1000' });
      response.end(content.subarray(0, headers.range === 'bytes=0-0' ? 1 : 3));
    });
    const source = await openUrl(url('/short'));
    expect(await failure(source.readAt(0, 10))).toMatchObject({ rule: 'length' });
  });

  it('a connection that breaks', async () => {
    answers.set('/broken', ({ headers, socket }, response) => {
      response.writeHead(206, { 'content-range': 'bytes 0-0/1000', 'content-length': '10' });
      if (headers.range === 'bytes=0-0') response.end(content.subarray(0, 10));
      else response.write(content.subarray(0, 3), () => socket.destroy());
    });
    const source = await openUrl(url('/broken'));
    expect(await failure(source.readAt(0, 10))).toMatchObject({ rule: 'reachable' });
  });

  it.each([
    ['length', () => 'same'],
    ['tag', () => `${Math.random()}`],
  ])('a file whose %s changes on the server', async (what, etag) => {
    let length = 1000;
    answers.set(
      '/changing',
      ranges(() => content.subarray(0, length), etag),
    );
    const source = await openUrl(url('/changing'));
    if (what === 'length') length = 999;
    expect(await failure(source.readAt(0, 10))).toMatchObject({ rule: 'unchanged' });
  });

  it('an empty file on a server is one of 0 bytes', async () => {
    answers.set(
      '/empty',
      ranges(() => new Uint8Array(0)),
    );
    expect((await openUrl(url('/empty'))).size).toBe(0);
  });

  it('sends the headers that it is given, and stops when it is told to', async () => {
    answers.set('/private', (request, response) => {
      if (request.headers.authorization === 'Bearer key') ranges(() => content)(request, response);
      else response.writeHead(401).end();
    });
    const headers = { Authorization: 'Bearer key' };
    expect((await failure(openUrl(url('/private')))).message).toContain('401');
    const stop = new AbortController();
    const source = await openUrl(url('/private'), { headers, signal: stop.signal });
    expect(await source.readAt(1, 2)).toEqual(content.subarray(1, 3));
    stop.abort();
    await expect(source.readAt(1, 2)).rejects.toThrow(/abort/);
  });
});
