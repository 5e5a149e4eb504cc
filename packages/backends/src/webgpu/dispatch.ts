import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, env, type TensorInfo } from '@tensorflow/tfjs-core';

export interface Dispatch {
  /** Of the program, which is compiled once. */
  readonly name: string;
  /** Arrays that the program reads, flat, whatever the shape. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Arrays that the program writes: the shapes of new float32 tensors. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly ints?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  /** WGSL outside of the entry point. */
  readonly declarations?: string;
  /** WGSL body of the entry point; it knows `group`, the number of the workgroup, and `lane`, the thread within it. */
  readonly code: string;
  /** How many workgroups of {@link LANES} threads run. */
  readonly groups: number;
}

/** Threads of a workgroup. */
export const LANES = 64;

/** What the type declarations of tfjs keep to themselves. */
interface Internals {
  readonly device: GPUDevice;
  readonly tensorMap: { get(dataId: object): { readonly dtype: DataType } };
  readonly pipelineCache: Record<string, GPUComputePipeline>;
  readonly commandQueueOwnedIds: WeakSet<object>;
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  dispatchCountInPass: number;
  uploadToGPU(dataId: object): void;
  tensorToBinding(tensor: TensorInfo): GPUBindingResource;
  makeUniforms(uniforms: { type: 'int32' | 'float32'; data: number[] }[]): GPUBindingResource;
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/** Runs a program with as many outputs as it likes, in the queue of tfjs's own. @returns the outputs by name */
export function dispatch<Output extends string>(
  backend: WebGPUBackend,
  program: Dispatch & { readonly outputs: Readonly<Record<Output, readonly number[]>> },
): Record<Output, TensorInfo> {
  const internals = backend as unknown as Internals;
  const { inputs, outputs, ints = {}, floats = {}, groups } = program;
  const made = Object.fromEntries(
    Object.entries<readonly number[]>(outputs).map(([name, shape]) => [
      name,
      internals.makeTensorInfo([...shape], 'float32'),
    ]),
  ) as Record<Output, TensorInfo>;
  const tensors = [...Object.values(inputs), ...Object.values<TensorInfo>(made)];
  for (const { dataId } of tensors) {
    internals.uploadToGPU(dataId);
    internals.commandQueueOwnedIds.add(dataId);
  }
  const across = Math.min(groups, internals.device.limits.maxComputeWorkgroupsPerDimension);
  const uniforms = internals.makeUniforms([
    ...[across, ...Object.values(ints)].map((number) => ({ type: 'int32' as const, data: [number] })),
    ...Object.values(floats).map((number) => ({ type: 'float32' as const, data: [number] })),
  ]);
  const pipeline = pipelineOf(internals, program);
  const resources = [uniforms, ...tensors.map((tensor) => internals.tensorToBinding(tensor))];
  const bindGroup = internals.device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: resources.map((resource, binding) => ({ binding, resource })),
  });
  internals.ensureCommandEncoderReady();
  internals.computePassEncoder ??= (internals.commandEncoder as GPUCommandEncoder).beginComputePass();
  internals.computePassEncoder.setPipeline(pipeline);
  internals.computePassEncoder.setBindGroup(0, bindGroup);
  internals.computePassEncoder.dispatchWorkgroups(across, Math.ceil(groups / across));
  internals.dispatchCountInPass++;
  if (internals.dispatchCountInPass >= env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    internals.endComputePassEncoder();
    internals.submitQueue();
  }
  return made;
}

function pipelineOf(internals: Internals, program: Dispatch): GPUComputePipeline {
  const key = `MiniGPT.${program.name}`;
  const cached = internals.pipelineCache[key];
  if (cached !== undefined) return cached;
  const module = internals.device.createShaderModule({ code: shaderOf(internals, program), label: key });
  const pipeline = internals.device.createComputePipeline({
    layout: 'auto',
    compute: { module, entryPoint: 'main' },
    label: key,
  });
  internals.pipelineCache[key] = pipeline;
  return pipeline;
}

function shaderOf({ tensorMap }: Internals, program: Dispatch): string {
  const { inputs, outputs, ints = {}, floats = {}, declarations = '', code } = program;
  const fields = [
    'across: i32',
    ...Object.keys(ints).map((name) => `${name}: i32`),
    ...Object.keys(floats).map((name) => `${name}: f32`),
  ];
  const arrays = [
    ...Object.entries(inputs).map(([name, { dataId }]) => {
      const type = tensorMap.get(dataId).dtype === 'float32' ? 'f32' : 'i32';
      return `var<storage, read> ${name}: array<${type}>;`;
    }),
    ...Object.keys(outputs).map((name) => `var<storage, read_write> ${name}: array<f32>;`),
  ];
  return `
    struct Sizes { ${fields.join(', ')} }
    @group(0) @binding(0) var<uniform> sizes: Sizes;
    ${arrays.map((declaration, i) => `@group(0) @binding(${i + 1}) ${declaration}`).join('\n')}
    ${declarations}
    @compute @workgroup_size(${LANES})
    fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) localIndex: u32) {
      let group = i32(workgroup.y) * sizes.across + i32(workgroup.x);
      let lane = i32(localIndex);
      ${code}
    }
  `;
}

/** WGSL of `reduceSum` and `reduceMax`: of one number of each thread of a workgroup, known to all of them. */
export const reductions = `
  var<workgroup> reduced: array<f32, ${LANES}>;
  fn reduceSum(value: f32, lane: i32) -> f32 {
    workgroupBarrier();
    reduced[lane] = value;
    for (var step = ${LANES / 2}; step > 0; step /= 2) {
      workgroupBarrier();
      if (lane < step) { reduced[lane] += reduced[lane + step]; }
    }
    workgroupBarrier();
    return reduced[0];
  }
  fn reduceMax(value: f32, lane: i32) -> f32 {
    workgroupBarrier();
    reduced[lane] = value;
    for (var step = ${LANES / 2}; step > 0; step /= 2) {
      workgroupBarrier();
      if (lane < step) { reduced[lane] = max(reduced[lane], reduced[lane + step]); }
    }
    workgroupBarrier();
    return reduced[0];
  }
`;

/** How many workgroups it takes for a thread each. */
export const groupsFor = (threads: number): number => Math.ceil(threads / LANES);
