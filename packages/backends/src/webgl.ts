import { type MathBackendWebGL, version_webgl } from '@tensorflow/tfjs-backend-webgl';
import { backend, device_util, env, setBackend } from '@tensorflow/tfjs-core';
import type { DeviceWatch, StartedBackend } from './backend.ts';
import { BackendUnavailableError, DeviceFailedError } from './errors.ts';
import { forget } from './restart.ts';
import { registerWebGLKernels } from './webgl/register.ts';

export interface WebGLOptions {
  /** Take a WebGL that the browser computes on the processor, as tests do; WebAssembly is faster than that. */
  readonly software?: boolean;
}

let context: WatchedContext | undefined;

/**
 * Starts the graphics card of a browser through WebGL, on a page or in a worker. After a lost context it starts anew.
 *
 * @throws BackendUnavailableError where there is no WebGL, only one in software, or one without float32
 */
export async function start({ software = false }: WebGLOptions = {}): Promise<StartedBackend> {
  if (!device_util.isBrowser()) {
    throw new BackendUnavailableError(
      'webgl',
      'there is no WebGL outside of a browser; open the page in one',
    );
  }
  if (context?.failure() !== undefined) {
    forget('webgl');
    context = undefined;
  }
  const version = webglVersion(software);
  // Reading a tensor polls; with this not by timers alone, which browsers hold back to one in 4 ms.
  env().set('USE_SETTIMEOUTCUSTOM', typeof window !== 'undefined');
  // Our kernels read one number a texel; between tfjs's four and theirs there would be a pass each time.
  env().set('WEBGL_PACK', false);
  registerWebGLKernels();
  await setBackend('webgl');
  const { gl } = (backend() as MathBackendWebGL).gpgpu;
  context ??= watchContext(gl as WebGL2RenderingContext);
  return {
    name: 'webgl',
    description: `WebGL ${version} (${rendererOf(gl)})`,
    version: version_webgl,
    device: context,
  };
}

/** @throws BackendUnavailableError */
function webglVersion(software: boolean): number {
  env().set('SOFTWARE_WEBGL_ENABLED', software);
  // tfjs asks once and remembers, so the browser is asked here, each time.
  if (!isOffered(software)) {
    throw new BackendUnavailableError(
      'webgl',
      'the browser gives no WebGL 2 on a graphics card; look into its settings for hardware acceleration, or take wasm',
    );
  }
  if (env().getNumber('WEBGL_VERSION') === 0) {
    for (const flag of ['WEBGL_VERSION', 'HAS_WEBGL', 'WEBGL_PACK']) delete env().getFlags()[flag];
  }
  if (!env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) {
    throw new BackendUnavailableError(
      'webgl',
      'this graphics card computes in 16 bits only, in which training loses small gradients; take wasm',
    );
  }
  return env().getNumber('WEBGL_VERSION');
}

/** Renderers that compute on the processor, some of which Chromium does not count as a performance caveat. */
const softwareRenderer = /swiftshader|llvmpipe|softpipe|basic render/i;

function isOffered(software: boolean): boolean {
  const attributes = { failIfMajorPerformanceCaveat: !software };
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2', attributes);
  if (gl === null) return false;
  const renderer = rendererOf(gl);
  gl.getExtension('WEBGL_lose_context')?.loseContext(); // browsers keep only so many alive
  return software || !softwareRenderer.test(renderer);
}

interface WatchedContext extends DeviceWatch {
  failure(): DeviceFailedError | undefined;
}

function watchContext(gl: WebGL2RenderingContext): WatchedContext {
  let failure: DeviceFailedError | undefined;
  let tell: (error: DeviceFailedError) => void = () => {};
  const failed = new Promise<DeviceFailedError>((resolve) => {
    tell = resolve;
  });
  const fail = (reason: DeviceFailedError['reason'], detail: string) => {
    failure ??= new DeviceFailedError('webgl', reason, detail);
    tell(failure);
  };
  const lost = () => fail('lost', 'The browser took the WebGL context away');
  gl.canvas.addEventListener('webglcontextlost', lost);
  const ask = () => {
    if (gl.isContextLost()) lost();
    return failure;
  };
  return {
    failed,
    failure: ask,
    check() {
      if (ask() === undefined && gl.getError() === gl.OUT_OF_MEMORY) {
        fail('out of memory', 'The graphics card has no memory left');
      }
      if (failure !== undefined) throw failure;
    },
  };
}

function rendererOf(gl: WebGLRenderingContext): string {
  const { UNMASKED_RENDERER_WEBGL } = gl.getExtension('WEBGL_debug_renderer_info') ?? {};
  return String(gl.getParameter(UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
}
