import { packageBuild } from '../../tsup.shared.ts';

export default packageBuild({
  entry: ['src/index.ts', 'src/measure.ts', 'src/readme.ts', 'src/reference.ts'],
});
