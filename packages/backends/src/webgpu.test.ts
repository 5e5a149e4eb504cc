import { describeOnBackends } from '@minigpt/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { DeviceFailedError } from './errors.ts';
import { untilFailed } from './until-failed.ts';
import { start } from './webgpu.ts';

const deviceOf = () => (tf.backend() as unknown as { device: GPUDevice }).device;

async function* forever() {
  for (let i = 0; ; i++) yield (await tf.add(i, [1, 2]).data())[1];
}

describeOnBackends('the webgpu backend', () => {
  it('says what computes', async () => {
    const started = await start();
    expect(started.name).toBe('webgpu');
    expect(started.description).toMatch(/^WebGPU \(.+\)$/);
    expect(tf.getBackend()).toBe('webgpu');
    started.device!.check();
  });

  it('says that the device was lost, and starts anew', async () => {
    const started = await start();
    const seen: number[] = [];
    const interrupted = (async () => {
      for await (const value of untilFailed(forever(), started)) {
        seen.push(value);
        if (value === 4) deviceOf().destroy();
      }
    })();
    await expect(interrupted).rejects.toThrow(DeviceFailedError);
    expect(seen.slice(0, 3)).toEqual([2, 3, 4]);
    expect(() => started.device!.check()).toThrow(/graphics card was lost.*go on from the last save/);
    await start();
    expect(Array.from(await tf.matMul([[1, 2]], [[3], [4]]).data())).toEqual([11]);
  });
}, ['webgpu']);
