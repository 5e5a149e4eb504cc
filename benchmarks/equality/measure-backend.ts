import { dispose, type HostTensor, loadStateDict, withoutWeights } from '@minigpt/core';
import { modelFromConfig } from '@minigpt/models';
import {
  families,
  type MeasuredTraining,
  measureFamily,
  measureOperation,
  measureTraining,
  operations,
} from '@minigpt/testing/measure';
import { type FamilyFixture, halves, nextTokens } from '../../packages/models/src/testing/fixture-tensors.ts';

/** Numbers as JSON carries them from a page. */
export interface MeasuredBackend {
  /** By operation: outputs and gradients of all its cases, one after the other. */
  readonly operations: Readonly<Record<string, { readonly values: number[]; readonly gradients: number[] }>>;
  readonly families: Readonly<Record<string, MeasuredModel>>;
  /** The models that PyTorch was asked about. */
  readonly fixtures: Readonly<Record<string, MeasuredModel>>;
}

export interface MeasuredModel {
  readonly logits: number[];
  /** Of all parameters, one after the other. */
  readonly gradients: number[];
  /** Before each step, and after the last. */
  readonly losses: readonly number[];
}

/** Everything that is compared, on the current backend. @param steps of a family's training */
export async function measureBackend(
  steps: number,
  fixtures: Readonly<Record<string, FamilyFixture>>,
): Promise<MeasuredBackend> {
  return {
    operations: await mapValues(operations, async (_, cases) => {
      const [values, gradients]: number[][] = [[], []];
      for (const variant of cases)
        for (const [what, { data }] of await measureOperation(variant))
          (what === 'output' ? values : gradients).push(...data);
      return { values, gradients };
    }),
    families: await mapValues(families, async (family) => numbersOf(await measureFamily(family, steps))),
    fixtures: await mapValues(fixtures, async (_, { config, read }) => {
      const tensors = await read();
      const model = withoutWeights(() => modelFromConfig(config));
      loadStateDict(model, halves(tensors, 0));
      const batch = nextTokens(tensors.get('input_ids')!);
      const measured = await measureTraining(model, batch, 3);
      dispose(model);
      return numbersOf(measured);
    }),
  };
}

/** What PyTorch gave for one of the models. */
export function goldenNumbers(
  tensors: ReadonlyMap<string, HostTensor>,
  losses: readonly number[],
): MeasuredModel {
  const [b, t, v] = tensors.get('logits')!.shape;
  const { data } = tensors.get('logits')!;
  // The last token of a row is only predicted.
  const logits = Array.from({ length: b }, (_, row) => [
    ...data.subarray(row * t * v, (row * t + t - 1) * v),
  ]);
  return numbersOf({
    logits: { dtype: 'float32', shape: [b, t - 1, v], data: Float32Array.from(logits.flat()) },
    gradients: halves(tensors, 1),
    losses,
  });
}

function numbersOf({ logits, gradients, losses }: MeasuredTraining): MeasuredModel {
  const flat = [...gradients.keys()].sort().flatMap((name) => [...gradients.get(name)!.data]);
  return { logits: [...logits.data], gradients: flat, losses };
}

async function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (key: string, value: In) => Promise<Out>,
): Promise<Record<string, Out>> {
  const entries: [string, Out][] = [];
  for (const [key, value] of Object.entries(record)) entries.push([key, await map(key, value)]);
  return Object.fromEntries(entries);
}
