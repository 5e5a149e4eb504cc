import { createHash } from 'node:crypto';
import { findSources } from '@minigpt/data/node';
import { pythonLibrary } from './python.ts';

/** Files to learn from and files to be measured on; where there are too few to hold some out, part of the stream is. */
export interface PythonSources {
  readonly name: string;
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
  /** Tells these files from others. */
  readonly digest: string;
}

/** What is not the library itself: packages of others, and tests. */
const NOT_THE_LIBRARY = /\/(site-packages|dist-packages|test|tests|idlelib|lib2to3)\//;

/**
 * Every tenth file is held out, by the order of the paths.
 *
 * @param data file, folder or glob; a folder's `.py` files count. Without it, the library of the python3 on the PATH
 * @param limit the most files
 * @throws NoFilesError; ConfigError where no Python is there
 */
export async function pythonSources(data: string | undefined, limit: number): Promise<PythonSources> {
  const library = data === undefined ? pythonLibrary() : undefined;
  const found = await findSources(data ?? library!.folder, {
    extensions: ['.py', '.jsonl', '.gz', '.parquet'],
  });
  const files = found
    .map(({ name }) => name)
    .filter((name) => library === undefined || (name.endsWith('.py') && !NOT_THE_LIBRARY.test(name)))
    .slice(0, limit);
  const enough = files.length >= 20;
  return {
    name: library === undefined ? data! : `the standard library of Python ${library.version}`,
    train: enough ? files.filter((_, i) => i % 10 !== 9) : files,
    heldOut: enough ? files.filter((_, i) => i % 10 === 9) : [],
    digest: createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 8),
  };
}
