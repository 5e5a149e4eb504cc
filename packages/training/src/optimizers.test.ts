import { ConfigError, fromHost, parameter, StateDictError, toHost } from '@minigpt/core';
import { describeOnBackends } from '@minigpt/testing';
import {
  dispose,
  getBackend,
  getKernelsForBackend,
  memory,
  registerKernel,
  type Scalar,
  scalar,
  type Tensor,
  tensor,
  unregisterKernel,
  type Variable,
} from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { type AdamWInputs, adamW, adamWUpdate } from './adam-w.ts';
import type { Optimizer } from './optimizer.ts';
import { sgd } from './sgd.ts';

const slotInputs = ['parameter', 'grad', 'expAvg', 'expAvgSq'];
const values = (variable: Tensor) => Array.from(variable.dataSync());

function makeParameters(): Map<string, Variable> {
  return new Map([
    ['h.0.weight', parameter(tensor([1, 2, 3, 4], [2, 2]))],
    ['h.0.bias', parameter(tensor([1, 2]))],
  ]);
}

function gradsOf(parameters: ReadonlyMap<string, Variable>, value: number): Map<string, Tensor> {
  const filled = (variable: Variable) => tensor(new Float32Array(variable.size).fill(value), variable.shape);
  return new Map([...parameters].map(([name, variable]) => [name, filled(variable)]));
}

function takeStep(optimizer: Optimizer, parameters: ReadonlyMap<string, Variable>, value: number): void {
  const grads = gradsOf(parameters, value);
  optimizer.step(grads, 0.1);
  dispose([...grads.values()]);
}

const free = (optimizer: Optimizer, parameters: ReadonlyMap<string, Variable>) => {
  optimizer.dispose();
  dispose([...parameters.values()]);
};

describeOnBackends('optimizers', () => {
  it('name their state as PyTorch does', () => {
    const parameters = makeParameters();
    const adam = adamW({ parameters });
    expect([...adam.variables().keys()]).toEqual([
      'h.0.weight.exp_avg',
      'h.0.weight.exp_avg_sq',
      'h.0.bias.exp_avg',
      'h.0.bias.exp_avg_sq',
    ]);
    const momentum = sgd({ parameters, momentum: 0.9 });
    expect([...momentum.variables().keys()]).toEqual([
      'h.0.weight.momentum_buffer',
      'h.0.bias.momentum_buffer',
    ]);
    expect(sgd({ parameters }).variables().size).toBe(0);
    momentum.dispose();
    free(adam, parameters);
  });

  it('AdamW decays matrices and leaves vectors, or what the predicate says', () => {
    const matricesOnly = makeParameters();
    const first = adamW({ parameters: matricesOnly, weightDecay: 0.5 });
    takeStep(first, matricesOnly, 0);
    expect(values(matricesOnly.get('h.0.weight') as Variable)[1]).toBeCloseTo(2 * 0.95, 6);
    expect(values(matricesOnly.get('h.0.bias') as Variable)).toEqual([1, 2]);

    const biasOnly = makeParameters();
    const decays = (name: string) => name.endsWith('bias');
    const second = adamW({ parameters: biasOnly, weightDecay: 0.5, decays });
    takeStep(second, biasOnly, 0);
    expect(values(biasOnly.get('h.0.weight') as Variable)).toEqual([1, 2, 3, 4]);
    expect(values(biasOnly.get('h.0.bias') as Variable)[1]).toBeCloseTo(2 * 0.95, 6);
    free(first, matricesOnly);
    free(second, biasOnly);
  });

  it('leave a parameter without a gradient as it is, its state too', () => {
    const parameters = makeParameters();
    const optimizer = adamW({ parameters });
    const bias = tensor([1, 1]);
    optimizer.step(new Map([['h.0.bias', bias]]), 0.1);
    expect(values(parameters.get('h.0.weight') as Variable)).toEqual([1, 2, 3, 4]);
    expect(values(optimizer.variables().get('h.0.weight.exp_avg') as Variable)).toEqual([0, 0, 0, 0]);
    expect(values(parameters.get('h.0.bias') as Variable)[0]).toBeCloseTo(0.9, 6);
    bias.dispose();
    free(optimizer, parameters);
  });

  it('refuse the gradient of a parameter that was frozen when they were made', () => {
    const parameters = makeParameters();
    (parameters.get('h.0.bias') as Variable).trainable = false;
    const optimizer = adamW({ parameters });
    expect([...optimizer.variables().keys()]).toEqual(['h.0.weight.exp_avg', 'h.0.weight.exp_avg_sq']);
    const grads = gradsOf(parameters, 1);
    expect(() => optimizer.step(grads, 0.1)).toThrow('a gradient of "h.0.bias" came');
    expect(optimizer.stepCount).toBe(0);
    expect(values(parameters.get('h.0.weight') as Variable)).toEqual([1, 2, 3, 4]);
    dispose([...grads.values()]);
    free(optimizer, parameters);
  });

  it('go on from a restored state as if they had not stopped', async () => {
    const parameters = makeParameters();
    const optimizer = adamW({ parameters });
    for (const grad of [1, -2]) takeStep(optimizer, parameters, grad);
    const state = new Map<string, Awaited<ReturnType<typeof toHost>>>();
    for (const [name, variable] of optimizer.variables()) state.set(name, await toHost(variable));
    const resumed = new Map<string, Variable>();
    for (const [name, variable] of parameters) resumed.set(name, parameter(fromHost(await toHost(variable))));

    const other = adamW({ parameters: resumed });
    other.restore(state, optimizer.stepCount);
    takeStep(optimizer, parameters, 3);
    takeStep(other, resumed, 3);
    expect(other.stepCount).toBe(3);
    for (const [name, variable] of parameters)
      expect(values(resumed.get(name) as Variable)).toEqual(values(variable));

    expect(() => other.restore(new Map(), 0)).toThrow(StateDictError);
    expect(other.stepCount).toBe(3);
    free(optimizer, parameters);
    free(other, resumed);
  });

  it.each(['AdamW', 'AdamWAll'] as const)('AdamW runs the kernel %s where the backend has one', (name) => {
    const backendName = getBackend();
    const own = getKernelsForBackend(backendName).filter(({ kernelName }) => /AdamW/.test(kernelName));
    for (const { kernelName } of own) unregisterKernel(kernelName, backendName);
    const ran: string[] = [];
    registerKernel({
      kernelName: `MiniGPT.${name}`,
      backendName,
      kernelFunc: ({ inputs, attrs }) => {
        ran.push(Object.keys(inputs).join());
        const given = inputs as unknown as Record<string, Tensor>;
        const betas = attrs as unknown as Record<'beta1' | 'beta2', number>;
        if (name === 'AdamW') return adamWUpdate(inputs as unknown as AdamWInputs, betas);
        return (attrs!.decays as boolean[]).flatMap((decays, i) => {
          const [parameter, grad, expAvg, expAvgSq] = slotInputs.map((input) => given[`${input}${i}`]);
          const { rate, epsilon } = inputs as unknown as AdamWInputs;
          const decay = decays ? (given.decay as Scalar) : scalar(1);
          return adamWUpdate({ parameter, grad, expAvg, expAvgSq, decay, rate, epsilon }, betas);
        });
      },
    });
    const withKernel = makeParameters();
    const optimizer = adamW({ parameters: withKernel });
    takeStep(optimizer, withKernel, 0.5);
    unregisterKernel(`MiniGPT.${name}`, backendName);

    const scalars = ['rate', 'epsilon', 'decay'];
    const ofSlots = [0, 1].flatMap((i) => slotInputs.map((input) => `${input}${i}`));
    const calls = {
      AdamW: [0, 1].map(() => [...scalars, ...slotInputs]),
      AdamWAll: [[...scalars, ...ofSlots]],
    };
    expect(ran).toEqual(calls[name].map((call) => call.join()));

    const reference = makeParameters();
    const referenceOptimizer = adamW({ parameters: reference });
    takeStep(referenceOptimizer, reference, 0.5);
    for (const [key, variable] of reference) {
      expect(values(withKernel.get(key) as Variable)).toEqual(values(variable));
    }
    for (const kernel of own) registerKernel(kernel);
    free(optimizer, withKernel);
    free(referenceOptimizer, reference);
  });

  it('keep the number of tensors', () => {
    const before = memory().numTensors;
    const parameters = makeParameters();
    for (const optimizer of [
      adamW({ parameters }),
      sgd({ parameters, momentum: 0.9, nesterov: true, weightDecay: 0.1 }),
    ]) {
      takeStep(optimizer, parameters, 1);
      const after = memory().numTensors;
      for (let i = 0; i < 5; i++) takeStep(optimizer, parameters, 1);
      expect(memory().numTensors).toBe(after);
      optimizer.dispose();
    }
    dispose([...parameters.values()]);
    expect(memory().numTensors).toBe(before);
  });

  it('refuse impossible settings', () => {
    const parameters = new Map<string, Variable>();
    expect(() => adamW({ parameters, betas: [1, 0.9] })).toThrow('betas must lie in [0, 1), but 1 came.');
    expect(() => adamW({ parameters, eps: -1 })).toThrow(ConfigError);
    expect(() => adamW({ parameters, weightDecay: Number.NaN })).toThrow(ConfigError);
    expect(() => sgd({ parameters, momentum: 1.5 })).toThrow(ConfigError);
    expect(() => sgd({ parameters, nesterov: true })).toThrow('momentum is 0');
  });
});
