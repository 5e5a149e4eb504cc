import type { TrainOptions } from '@minigpt/training';

/** What `--compile` takes. */
export const compileModes = ['auto', 'on', 'off', 'xla'] as const;
export type CompileMode = (typeof compileModes)[number];

/** The option of `train`, or of `generate`, that a flag stands for. XLA is a compiler of its own, TensorFlow's. */
export async function compileOption(mode: CompileMode): Promise<TrainOptions['compile']> {
  if (mode === 'auto') return 'auto';
  if (mode !== 'xla') return mode === 'on';
  const { compile } = await import('@minigpt/backends/node');
  return (step, options) => compile(step, { ...options, xla: true });
}
