import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { HubError, type Pretrained } from '@minigpt/checkpoints';
import { openPath } from '@minigpt/checkpoints/node';
import { smolLM2 } from '@minigpt/testing/reference';

/** A model that is there, its weights not read yet. */
export interface FoundModel {
  /** What it was found by: a path, or its name on the hub. */
  readonly name: string;
  readonly pretrained: Pretrained;
}

const SMOLLM2 = 'HuggingFaceTB/SmolLM2-135M-Instruct';
/** Where programs that use llama.cpp have stories260K from. */
const STORIES = ['ggml-org/tiny-llamas/stories260K.gguf', 'ggml-org/models/tinyllamas/stories260K.gguf'];

/**
 * A published model that this machine has: SmolLM2-135M-Instruct, from `pnpm fetch:smollm2` or in the cache of Hugging Face's
 * programs, or else stories260K in that cache. Nothing is asked of the network.
 *
 * @param small leave out SmolLM2, which is too slow for plain JavaScript
 */
export async function findModel({ small }: { readonly small: boolean }): Promise<FoundModel | undefined> {
  const fetched = smolLM2();
  if (!small && fetched !== undefined) return { name: fetched, pretrained: await openPath(fetched) };
  for (const name of small ? STORIES : [SMOLLM2, ...STORIES]) {
    try {
      return { name, pretrained: await openPath(name, { hub: { offline: true } }) };
    } catch (error) {
      if (!(error instanceof HubError)) throw error; // it was never downloaded
    }
  }
  return undefined;
}

/** What a model that was published as one file must do. */
export interface KnownModel {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly parameters: number;
  readonly prompt: string;
  /** The tokens that come after the prompt, the likeliest each time. */
  readonly ids: readonly number[];
  /** Of the first of them, in nats, where the source tells. */
  readonly logProbability?: number;
  readonly source: string;
}

const KNOWN: readonly KnownModel[] = [
  {
    name: 'SmolLM2-135M-Instruct',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    parameters: 134_515_008,
    prompt: 'What is the capital of Italy?',
    ids: [39_393, 4_618, 1_119, 82, 7_129, 28, 7_158, 30, 2],
    logProbability: -1.65077,
    source: 'PyTorch in float32',
  },
  {
    name: 'stories260K',
    bytes: 1_056_540,
    sha256: 'b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696',
    parameters: 260_032,
    prompt: 'Once upon a time',
    ids: [432, 383, 286, 261, 376, 298, 315, 421, 395, 317, 426, 338, 401, 396, 267, 337, 410, 408, 419, 292],
    source: 'llama2.c at temperature 0',
  },
];

/** Whether the file at a path is one whose numbers are known, byte for byte. */
export async function knownModel(path: string): Promise<KnownModel | undefined> {
  const info = statSync(path, { throwIfNoEntry: false });
  const known = KNOWN.find(({ bytes }) => info?.isFile() && info.size === bytes);
  if (known === undefined) return undefined;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') === known.sha256 ? known : undefined;
}
