// See compare_with_transformers.py.
import '@tensorflow/tfjs-backend-cpu';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostTensors, loadPretrained, readSafetensors, writeSafetensors } from '@minigpt/checkpoints';
import { folderSource, saveHuggingFace } from '@minigpt/checkpoints/node';
import { ConfigError, dispose, type HostTensor, stateDict, toHost } from '@minigpt/core';
import { setBackend, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core';

await setBackend('cpu');
const [root] = process.argv.slice(2);
for (const name of readdirSync(root)) {
  const dir = join(root, name);
  const result = await compare(dir).catch((error: unknown) => {
    if (error instanceof ConfigError) return { refused: error.message };
    throw new Error(`${dir}: ${(error as Error).message}`, { cause: error });
  });
  writeFileSync(join(dir, 'result.json'), JSON.stringify(result));
}

async function compare(dir: string): Promise<object> {
  const ids = readSafetensors(readFileSync(join(dir, 'golden.safetensors'))).tensors.get('input_ids')!;
  const ours = new Map<string, HostTensor>();
  for (const file of ['config.json', 'config.v4.json']) {
    if (!existsSync(join(dir, file))) continue;
    const folder = folderSource(dir);
    const { model } = await loadPretrained({
      ...folder,
      open: (wanted) => folder.open(wanted === 'config.json' ? file : wanted),
    });
    const input = tensor(ids.data, [...ids.shape], 'int32') as Tensor2D;
    const logits = tidy(() => model.call(input));
    ours.set(file, await toHost(logits));
    if (file === 'config.json') {
      rmSync(join(dir, 'written'), { recursive: true, force: true });
      const weights = hostTensors(await stateDict(model));
      await saveHuggingFace(join(dir, 'written'), { config: model.toConfig(), weights });
    }
    input.dispose();
    logits.dispose();
    dispose(model);
  }
  writeFileSync(join(dir, 'ours.safetensors'), writeSafetensors(ours));
  return {};
}
