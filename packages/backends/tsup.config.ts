import { execFileSync } from 'node:child_process';
import { packageBuild } from '../../tsup.shared.ts';

execFileSync(process.execPath, ['scripts/build-kernels.mjs'], { stdio: 'inherit' });

export default packageBuild({
  entry: ['src/index.ts', 'src/cpu.ts', 'src/wasm.ts', 'src/node.ts', 'src/webgl.ts', 'src/webgpu.ts'],
});
