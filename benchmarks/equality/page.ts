import { selectBackend } from '@minigpt/backends';
import { readSafetensors } from '@minigpt/checkpoints';
import { fixturesFrom, fixtureTensors } from './fixtures.ts';
import { type MeasuredBackend, measureBackend } from './measure-backend.ts';

export interface MeasuredInBrowser extends MeasuredBackend {
  readonly description: string;
  readonly version: string;
}

async function measure(backend: 'wasm' | 'webgl' | 'webgpu', steps: number): Promise<MeasuredInBrowser> {
  const { description, version } = await selectBackend(backend, { software: true, wasmPath: '/' });
  const bytes = new Uint8Array(await (await fetch(fixtureTensors)).arrayBuffer());
  const { tensors } = readSafetensors(bytes);
  return { description, version, ...(await measureBackend(steps, fixturesFrom(tensors))) };
}

Object.assign(globalThis, { measure });
