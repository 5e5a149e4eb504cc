import { type OpenHubOptions, openHub } from '../open-hub.ts';

/** Opens a file of `org/model` and says its SHA-256, as Web Crypto computes it. */
async function digestOf(file: string, options: OpenHubOptions): Promise<string> {
  const source = await (await openHub('org/model', options)).open(file);
  if (source === undefined) return 'missing';
  const bytes = await source.readAt(0, source.size);
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The message of what it throws. */
const failureOf = (file: string, options: OpenHubOptions) =>
  digestOf(file, options).then(
    () => 'nothing',
    (error: Error) => error.message,
  );

Object.assign(globalThis, { digestOf, failureOf });
