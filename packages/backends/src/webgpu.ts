import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { backend, setBackend, version_core } from '@tensorflow/tfjs-core';
import type { DeviceWatch, StartedBackend } from './backend.ts';
import { BackendUnavailableError, DeviceFailedError } from './errors.ts';
import { forget } from './restart.ts';
import { provideGPU } from './webgpu/provide-gpu.ts';
import { registerWebGPUKernels } from './webgpu/register.ts';

let device: WatchedDevice | undefined;

/**
 * Starts a graphics card through WebGPU: in a browser, on a page or in a worker, and in Node through the package `webgpu`.
 * After a lost device it starts anew.
 *
 * @throws BackendUnavailableError where there is no WebGPU
 */
export async function start(): Promise<StartedBackend> {
  const gpu = await provideGPU();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) {
    throw new BackendUnavailableError(
      'webgpu',
      'WebGPU finds no graphics card with a driver; on Linux it takes a Vulkan driver (Debian, Ubuntu: apt install libvulkan1 ' +
        'mesa-vulkan-drivers, or the one of the card)',
    );
  }
  if (device?.failure() !== undefined) {
    forget('webgpu');
    device = undefined;
  }
  await import('@tensorflow/tfjs-backend-webgpu'); // registers itself only where there is a navigator.gpu by now
  registerWebGPUKernels();
  await setBackend('webgpu');
  device ??= watchDevice((backend() as WebGPUBackend).device);
  return {
    name: 'webgpu',
    description: `WebGPU (${describe(adapter)})`,
    version: version_core,
    device,
  };
}

interface WatchedDevice extends DeviceWatch {
  failure(): DeviceFailedError | undefined;
}

function watchDevice(device: GPUDevice): WatchedDevice {
  let failure: DeviceFailedError | undefined;
  const failed = new Promise<DeviceFailedError>((resolve) => {
    const fail = (reason: DeviceFailedError['reason'], detail: string) => {
      failure ??= new DeviceFailedError('webgpu', reason, detail);
      resolve(failure);
    };
    void device.lost.then(({ message }) => fail('lost', `The graphics card was lost (${message})`));
    device.addEventListener('uncapturederror', (event) => {
      if ((event as GPUUncapturedErrorEvent).error instanceof GPUOutOfMemoryError) {
        fail('out of memory', 'The graphics card has no memory left');
      }
    });
  });
  return {
    failed,
    failure: () => failure,
    check() {
      if (failure !== undefined) throw failure;
    },
  };
}

function describe(adapter: GPUAdapter): string {
  // Newer than the types that tfjs brings.
  const { info } = adapter as unknown as { info: Record<'vendor' | 'architecture' | 'description', string> };
  return info.description || `${info.vendor} ${info.architecture}`.trim() || 'unnamed';
}
