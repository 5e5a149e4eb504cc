import { parameters, Rng } from '@minigpt/core';
import { batches } from '@minigpt/data';
import { Bigram } from '@minigpt/models';
import { describeOnBackends } from '@minigpt/testing';
import { adamW, constant, restoreState, type TrainingState, train } from '@minigpt/training';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';
import { BackendUnavailableError, DeviceFailedError } from './errors.ts';
import { selectBackend } from './select.ts';
import { untilFailed } from './until-failed.ts';
import { start } from './webgl.ts';

const software = { software: true };
const contextOf = () => (tf.backend() as unknown as { gpgpu: { gl: WebGL2RenderingContext } }).gpgpu.gl;

/** A run of a small model on the current backend, from a saved state or from nothing. */
function makeRun(maxIters: number, save: (state: TrainingState) => void, from?: TrainingState) {
  const model = new Bigram({ vocabSize: 7, rng: new Rng(1) });
  const optimizer = adamW({ parameters: parameters(model) });
  if (from !== undefined) restoreState({ model, optimizer }, from);
  return train({
    model,
    optimizer,
    batch: batches({
      tokens: Uint16Array.from({ length: 60 }, (_, i) => (i * i) % 7),
      blockSize: 4,
      batchSize: 3,
      rng: new Rng(2),
    }),
    schedule: constant(0.05),
    maxIters,
    saveInterval: 2,
    save: async (state) => save(state),
  });
}

describeOnBackends('the webgl backend', () => {
  it('says what computes', async () => {
    const started = await start(software);
    expect(started.name).toBe('webgl');
    expect(started.description).toMatch(/^WebGL 2 \(.+\)$/);
    expect(started.version).toBe('4.22.0');
    expect(tf.getBackend()).toBe('webgl');
    started.device!.check();
  });

  it('is refused in software unless that is asked for, and then wasm is chosen, with the reason', async () => {
    const gpu = vi.spyOn(navigator.gpu, 'requestAdapter').mockResolvedValue(null);
    try {
      await expect(start()).rejects.toThrow(/no WebGL 2 on a graphics card/);
      const { name, reason } = await selectBackend();
      expect(name).toBe('wasm');
      expect(reason).toMatch(/fastest that starts here; webgpu does not: .*; webgl does not: /);
    } finally {
      gpu.mockRestore();
      await start(software);
    }
  });

  it('is refused without float32', async () => {
    const flag = 'WEBGL_RENDER_FLOAT32_ENABLED';
    tf.env().set(flag, false);
    await expect(start(software)).rejects.toThrow(BackendUnavailableError);
    await expect(start(software)).rejects.toThrow(/16 bits only/);
    tf.env().set(flag, true);
    await start(software);
  });

  it('goes on from the last save after the context was lost, as if nothing had been', async () => {
    const saved: TrainingState[] = [];
    const losses: number[] = [];
    const note = (event: { type: string }) => {
      if (event.type === 'step') losses.push((event as unknown as { loss: number }).loss);
    };
    const first = await start(software);
    const interrupted = (async () => {
      for await (const event of untilFailed(
        makeRun(6, (state) => saved.push(state)),
        first,
      )) {
        note(event);
        if (losses.length === 5) contextOf().getExtension('WEBGL_lose_context')!.loseContext();
      }
    })();
    await expect(interrupted).rejects.toThrow(DeviceFailedError);
    await expect(interrupted).rejects.toThrow(/go on from the last save/);
    expect((await first.device!.failed).reason).toBe('lost');
    expect(saved.at(-1)!.step).toBe(4);

    const second = await start(software);
    losses.length = saved.at(-1)!.step;
    for await (const event of untilFailed(
      makeRun(6, () => {}, saved.at(-1)),
      second,
    ))
      note(event);

    const whole: number[] = [];
    for await (const event of makeRun(6, () => {})) if (event.type === 'step') whole.push(event.loss);
    expect(losses).toEqual(whole);
  });

  it('says that memory has run out', async () => {
    const { device } = await start(software);
    const gl = contextOf();
    vi.spyOn(gl, 'getError').mockReturnValueOnce(gl.OUT_OF_MEMORY);
    expect(() => device!.check()).toThrow(/no memory left.*smaller batch/);
    expect(await device!.failed).toMatchObject({ name: 'DeviceFailedError', reason: 'out of memory' });
    await start(software);
    expect(tf.getBackend()).toBe('webgl');
  });

  it('trains without a single animation frame, as in a tab in the background', async () => {
    await start(software);
    const frame = vi.spyOn(globalThis, 'requestAnimationFrame').mockReturnValue(0);
    const losses: number[] = [];
    try {
      for await (const event of makeRun(4, () => {})) if (event.type === 'step') losses.push(event.loss);
    } finally {
      frame.mockRestore();
    }
    expect(losses).toHaveLength(4);
  });
}, ['webgl']);
