// Inside the workspace, which runs on sources, a worker thread needs a loader for TypeScript before its module.
import { fileURLToPath } from 'node:url';
import { register } from 'tsx/esm/api';

register({ tsconfig: fileURLToPath(new URL('../../../tsconfig.json', import.meta.url)) });
await import('../src/shards/worker.ts');
