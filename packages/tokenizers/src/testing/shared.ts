import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const candidate =
  process.env.MINIGPT_SHARED ?? fileURLToPath(new URL('../../../../../shared', import.meta.url));

/** The folder of reference data, or undefined where it is absent: tests that need it are then skipped. */
export const shared: string | undefined = existsSync(`${candidate}/data`) ? candidate : undefined;
