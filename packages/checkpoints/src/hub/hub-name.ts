/** A repository of models on a hub, and what of it is wanted. */
export interface HubName {
  /** `org/name` */
  readonly repository: string;
  /** A file in it, where it holds several models (GGUF in several precisions). */
  readonly file?: string;
  /** A branch, tag or commit. */
  readonly revision?: string;
}

const PART = '[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_-])?';
const HUB_NAME = new RegExp(`^(${PART}/${PART})(?:/([^@]+))?(?:@(.+))?$`);

/**
 * Parses `org/name`, `org/name@revision`, `org/name/file.gguf` and `org/name/file.gguf@revision`.
 *
 * @returns undefined for a text of another form, such as a path
 */
export function parseHubName(text: string): HubName | undefined {
  const match = HUB_NAME.exec(text);
  if (match === null) return undefined;
  const [, repository, file, revision] = match;
  const isSafe = file === undefined || isInside(file);
  return isSafe && !repository.includes('..') ? { repository, file, revision } : undefined;
}

/** Whether a path with `/` between its parts cannot lead out of the folder that it starts in, on any system. */
export function isInside(path: string): boolean {
  return path
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part));
}
