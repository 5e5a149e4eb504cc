import type { BackendName } from '@minigpt/backends';
import { type Command, Option } from 'commander';
import { type CompileMode, compileModes } from './compile.ts';
import { EMBEDDED } from './corpus.ts';
import * as parse from './parse.ts';
import { TOKENIZER_NAME } from './tokenizer.ts';

/** Everything that decides a training run; nanoGPT's names. It is saved with the checkpoint, so that a resume needs none. */
export interface RunSettings {
  readonly model: 'gpt' | 'mlp' | 'bigram';
  readonly data: string;
  /** What `--tokenizer` was given, see `openTokenizer`. */
  readonly tokenizer: string;
  readonly nLayer: number;
  readonly nHead: number;
  readonly nEmbd: number;
  readonly blockSize: number;
  readonly dropout: number;
  readonly bias: boolean;
  readonly batchSize: number;
  readonly gradientAccumulationSteps: number;
  readonly maxIters: number;
  readonly learningRate: number;
  readonly minLr: number;
  readonly warmupIters: number;
  readonly lrDecayIters: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly weightDecay: number;
  readonly gradClip: number;
  readonly evalInterval: number;
  readonly evalIters: number;
  readonly seed: number;
  readonly backend: BackendName | 'auto';
  /** Whether a step is one program of the backend; `xla` is TensorFlow's other compiler. */
  readonly compile: CompileMode;
  readonly out: string;
}

/** Settings as the flags gave them: those that follow from others may be missing. */
export type GivenSettings = Omit<RunSettings, 'minLr' | 'warmupIters' | 'lrDecayIters'> &
  Partial<RunSettings>;

/** Fills in what follows from other settings: a tenth of the rate at the end, a warm-up of at most a tenth of the run. */
export function completeSettings(given: GivenSettings): RunSettings {
  return {
    ...given,
    minLr: given.minLr ?? given.learningRate / 10,
    warmupIters: given.warmupIters ?? Math.min(100, Math.floor(given.maxIters / 10)),
    lrDecayIters: given.lrDecayIters ?? given.maxIters,
  };
}

const backendOption = () =>
  new Option('--backend <name>', 'what computes; auto takes the fastest that starts')
    .choices(['auto', 'node', 'wasm', 'cpu'])
    .default('auto');

export function addBackendFlag(command: Command): Command {
  return command.addOption(backendOption());
}

/** The flags of a training run, with nanoGPT's CPU recipe as defaults. */
export function addTrainingFlags(command: Command): Command {
  const { positiveInteger, nonNegative, fraction, integer, boolean } = parse;
  return command
    .optionsGroup('Data:')
    .option('--data <file>', 'UTF-8 text to learn from; without it, Moby Dick', EMBEDDED)
    .option('--tokenizer <name>', `char, word, ${TOKENIZER_NAME}`, 'char')
    .optionsGroup('Model:')
    .addOption(
      new Option('--model <family>', 'gpt, mlp (Bengio 2003, hidden layer of 8 × n-embd) or bigram')
        .choices(['gpt', 'mlp', 'bigram'])
        .default('gpt'),
    )
    .option('--n-layer <n>', 'blocks', positiveInteger, 4)
    .option('--n-head <n>', 'attention heads; they divide n-embd', positiveInteger, 4)
    .option('--n-embd <n>', 'width', positiveInteger, 128)
    .option('--block-size <n>', 'context, in tokens', positiveInteger, 64)
    .option('--dropout <rate>', 'share of activations zeroed while training', fraction, 0)
    .option('--bias [boolean]', 'biases in linear layers and norms', boolean, false)
    .optionsGroup('Training:')
    .option('--batch-size <n>', 'windows a batch', positiveInteger, 12)
    .option('--gradient-accumulation-steps <n>', 'batches a step', positiveInteger, 1)
    .option('--max-iters <n>', 'steps in all', positiveInteger, 2000)
    .option('--learning-rate <rate>', 'highest learning rate', nonNegative, 1e-3)
    .option('--min-lr <rate>', 'learning rate at the end (default: a tenth of the highest)', nonNegative)
    .option(
      '--warmup-iters <n>',
      'steps to the highest rate (default: max-iters / 10, at most 100)',
      nonNegative,
    )
    .option('--lr-decay-iters <n>', 'step at which the cosine ends (default: max-iters)', positiveInteger)
    .option('--beta1 <x>', "AdamW's first moment", fraction, 0.9)
    .option('--beta2 <x>', "AdamW's second moment", fraction, 0.99)
    .option('--weight-decay <x>', 'decoupled, on matrices only', nonNegative, 0.1)
    .option('--grad-clip <norm>', 'largest norm of the gradient; 0 leaves it', nonNegative, 1)
    .option('--seed <n>', 'of weights, batches and dropout', integer, 1337)
    .addOption(backendOption())
    .addOption(
      new Option(
        '--compile <mode>',
        'each step as one program of the backend, or xla on TensorFlow; auto where it pays',
      )
        .choices(compileModes)
        .default('auto'),
    )
    .optionsGroup('Evaluation and output:')
    .option(
      '--eval-interval <n>',
      'steps from one evaluation and checkpoint to the next',
      positiveInteger,
      250,
    )
    .option(
      '--eval-iters <n>',
      'batches an evaluation samples; the last one covers the whole held-out tenth',
      positiveInteger,
      20,
    )
    .option('--out <dir>', 'folder for checkpoint, metrics and loss curve', 'out');
}
