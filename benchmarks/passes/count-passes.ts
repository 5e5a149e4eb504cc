/** Counts draw calls (WebGL) or dispatches (WebGPU) while `run` runs, at the browser's own interface. */
export async function countPasses(run: () => Promise<void>): Promise<number> {
  let passes = 0;
  const counted: [object, string][] = [
    [globalThis.WebGL2RenderingContext.prototype, 'drawElements'],
    [globalThis.GPUComputePassEncoder.prototype, 'dispatchWorkgroups'],
  ];
  const originals = counted.map(([owner, name]) => {
    const original = (owner as Record<string, (...args: unknown[]) => unknown>)[name];
    Object.assign(owner, {
      [name](this: object, ...args: unknown[]) {
        passes++;
        return Reflect.apply(original, this, args);
      },
    });
    return { [name]: original };
  });
  try {
    await run();
  } finally {
    counted.forEach(([owner], i) => {
      Object.assign(owner, originals[i]);
    });
  }
  return passes;
}
