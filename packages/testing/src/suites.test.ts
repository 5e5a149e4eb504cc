import { batches, windows } from '@minigpt/data';
import { greedy, multinomial } from '@minigpt/sampling';
import { characterTokenizer, loadTokenizer, wordTokenizer } from '@minigpt/tokenizers';
import { adamW, sgd } from '@minigpt/training';
import { testBackend, testDataset, testOptimizer, testSampler, testTokenizer } from './index.ts';

// The suites for layers and models are used by packages/layers and packages/models.
const alphabet = 'abc é😀\n';

testTokenizer('of characters', () => characterTokenizer.train(alphabet), { load: loadTokenizer, alphabet });
testTokenizer('of words', () => wordTokenizer.train('so it goes, so it went.\n'), {
  load: loadTokenizer,
  lossless: false,
});
testOptimizer('AdamW', (parameters) => adamW({ parameters, weightDecay: 0.1 }));
testOptimizer('SGD', (parameters) => sgd({ parameters }));
testOptimizer('SGD with momentum', (parameters) => sgd({ parameters, momentum: 0.9, nesterov: true }));
testDataset('batches and windows', (options) => ({ batch: batches(options), windows: windows(options) }));
testSampler('greedy', greedy);
testSampler('multinomial', multinomial);
testBackend('wasm');
testBackend('node');
