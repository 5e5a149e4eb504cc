import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { LossPoint } from '@minigpt/report';
import type { TrainingEvent } from '@minigpt/training';

/** The events of a run as JSON lines, on the disk and in memory. */
export class Metrics {
  readonly #path: string;
  readonly train: LossPoint[] = [];
  readonly validation: LossPoint[] = [];

  private constructor(path: string) {
    this.#path = path;
  }

  /** An empty file; it is made at once, so that an unwritable folder is found before anything is computed. */
  static async create(path: string): Promise<Metrics> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
    return new Metrics(path);
  }

  /** The file of a run that goes on after `step`: what came after that is dropped, since it is going to happen again. */
  static async reopen(path: string, step: number): Promise<Metrics> {
    const lines = existsSync(path) ? (await readFile(path, 'utf8')).split('\n') : [];
    const metrics = await Metrics.create(path);
    for (const line of lines) {
      if (!line.endsWith('}')) continue; // empty, or cut off when the run was killed
      const event = JSON.parse(line) as TrainingEvent;
      if (event.step <= step) await metrics.add(event);
    }
    return metrics;
  }

  async add(event: TrainingEvent): Promise<void> {
    if (event.type === 'step') this.train.push({ step: event.step, loss: event.loss });
    if (event.type === 'evaluation') this.validation.push({ step: event.step, loss: event.loss });
    await appendFile(this.#path, `${JSON.stringify(event)}\n`);
  }
}
