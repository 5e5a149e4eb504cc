import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The files of a training run. */
export interface RunFolder {
  readonly checkpoint: string;
  readonly metrics: string;
  readonly lossCurve: string;
}

export function runFolder(out: string): RunFolder {
  return {
    checkpoint: join(out, 'checkpoint'),
    metrics: join(out, 'metrics.jsonl'),
    lossCurve: join(out, 'loss.svg'),
  };
}

/** The checkpoint that `--model` means: the folder itself, or the one inside the folder of a run. */
export function checkpointOf(folder: string): string {
  const inside = runFolder(folder).checkpoint;
  return !existsSync(join(folder, 'config.json')) && existsSync(inside) ? inside : folder;
}

/** `out`, or `out-2`, `out-3`, … if there is a run already. */
export function freshFolder(out: string): string {
  let folder = out;
  for (let i = 2; existsSync(folder); i++) folder = `${out}-${i}`;
  return folder;
}
