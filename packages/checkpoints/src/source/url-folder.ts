import { SourceError } from './byte-source.ts';
import { bytesSource } from './bytes-source.ts';
import type { SourceFolder } from './folder.ts';
import { fetchWhole, openUrl, type UrlSourceOptions } from './url-source.ts';

/** The files below a URL that ends in `/`. Weights are read by range requests, smaller files whole. */
export function urlFolder(base: URL, options: UrlSourceOptions = {}): SourceFolder {
  return {
    name: base.href,
    async open(file) {
      const url = new URL(encodeURIComponent(file), base);
      try {
        if (file.endsWith('.safetensors')) return await openUrl(url, options);
        return bytesSource(await fetchWhole(url.href, options), url.href);
      } catch (error) {
        if (error instanceof SourceError && error.status === 404) return undefined;
        throw error;
      }
    },
  };
}
