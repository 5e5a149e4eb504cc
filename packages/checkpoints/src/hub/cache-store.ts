import type { ByteSource } from '../source/byte-source.ts';
import { checkRange, SourceError } from '../source/byte-source.ts';
import type { HubBlob, HubStore, PartialBlob } from './hub-store.ts';

/** What is used of the browser's `Cache`. */
export type ChunkCache = Pick<Cache, 'match' | 'put' | 'delete'>;

/** A blob is kept in pieces of this size, so that a broken download loses one at most. */
const CHUNK_BYTES = 2 ** 23;
/** A cache takes URLs only; nothing is ever asked of this host (RFC 2606). */
const ROOT = 'https://minigpt.invalid/hub/';

/** Downloads in a cache of the browser, which keeps them beyond the visit as far as its quota goes. */
export function cacheStore(cache: ChunkCache): HubStore {
  const at = (...path: string[]) => ROOT + path.map(encodeURIComponent).join('/');
  const readJson = async (url: string): Promise<unknown> => (await cache.match(url))?.json();
  const chunkUrl = (repository: string, id: string, chunk: number) =>
    at(repository, 'chunk', id, String(chunk));
  const wholeUrl = (repository: string, { id }: HubBlob) => at(repository, 'whole', id);
  const indexUrl = (repository: string, commit: string) => at(repository, 'files', commit);

  /** The files of a commit that are there whole. */
  const indexOf = async (repository: string, commit: string) =>
    ((await readJson(indexUrl(repository, commit))) ?? {}) as Record<string, HubBlob>;

  return {
    async commitOf(repository, revision) {
      return (await cache.match(at(repository, 'ref', revision)))?.text();
    },
    setCommit: (repository, revision, commit) =>
      cache.put(at(repository, 'ref', revision), new Response(commit)),
    async list(repository, commit) {
      return Object.keys(await indexOf(repository, commit));
    },
    async open(repository, commit, file) {
      const index = await indexOf(repository, commit);
      if (!Object.hasOwn(index, file)) return undefined;
      const { id, size } = index[file];
      return chunkSource(`${file} of ${repository}`, size, (chunk) =>
        cache.match(chunkUrl(repository, id, chunk)),
      );
    },
    async link(repository, commit, file, blob) {
      if ((await cache.match(wholeUrl(repository, blob))) === undefined) return false;
      const index = { ...(await indexOf(repository, commit)), [file]: blob };
      await cache.put(indexUrl(repository, commit), Response.json(index));
      return true;
    },
    async begin(repository, blob): Promise<PartialBlob> {
      const read = (chunk: number) => cache.match(chunkUrl(repository, blob.id, chunk));
      let chunks = 0;
      while ((chunks + 1) * CHUNK_BYTES <= blob.size && (await read(chunks)) !== undefined) chunks++;
      let rest: Uint8Array[] = [];
      let restBytes = 0;
      const put = async (bytes: Uint8Array) => {
        await cache.put(chunkUrl(repository, blob.id, chunks), new Response(new Uint8Array(bytes)));
        chunks++;
      };
      return {
        get bytes() {
          return chunks * CHUNK_BYTES + restBytes;
        },
        async *read() {
          for (let chunk = 0; chunk < chunks; chunk++) {
            yield new Uint8Array(await (await read(chunk))!.arrayBuffer());
          }
        },
        async append(bytes) {
          rest.push(bytes);
          restBytes += bytes.length;
          if (restBytes < CHUNK_BYTES) return;
          const all = joined(rest, restBytes);
          let from = 0;
          for (; all.length - from >= CHUNK_BYTES; from += CHUNK_BYTES) {
            await put(all.subarray(from, from + CHUNK_BYTES));
          }
          rest = [all.slice(from)];
          restBytes = all.length - from;
        },
        async clear() {
          for (let chunk = 0; chunk < chunks; chunk++)
            await cache.delete(chunkUrl(repository, blob.id, chunk));
          chunks = 0;
          rest = [];
          restBytes = 0;
        },
        async finish() {
          if (restBytes > 0) await put(joined(rest, restBytes));
          await cache.put(wholeUrl(repository, blob), new Response());
        },
        async suspend() {},
      };
    },
  };
}

function chunkSource(
  name: string,
  size: number,
  chunkAt: (chunk: number) => Promise<Response | undefined>,
): ByteSource {
  const source: ByteSource = {
    name,
    size,
    async readAt(offset, length) {
      checkRange(source, offset, length);
      const bytes = new Uint8Array(length);
      for (let filled = 0; filled < length; ) {
        const chunk = Math.floor((offset + filled) / CHUNK_BYTES);
        const stored = await chunkAt(chunk);
        if (stored === undefined) {
          throw new SourceError(
            name,
            'reachable',
            'the browser has removed a part of it from its storage; download it again.',
          );
        }
        const from = offset + filled - chunk * CHUNK_BYTES;
        const part = new Uint8Array(await stored.arrayBuffer()).subarray(from, from + length - filled);
        bytes.set(part, filled);
        filled += part.length;
      }
      return bytes;
    },
    async close() {},
  };
  return source;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
