import { packageBuild } from '../../tsup.shared.ts';

export default packageBuild({
  entry: ['src/index.ts', 'src/cpu.ts', 'src/wasm.ts', 'src/node.ts', 'src/webgl.ts', 'src/webgpu.ts'],
});
