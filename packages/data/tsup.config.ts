import { packageBuild } from '../../tsup.shared.ts';

export default packageBuild({
  entry: ['src/index.ts', 'src/node.ts', 'src/tei.ts', 'src/shards/worker.ts'],
});
