import { backendCompiler, type Compile } from '@minigpt/core';
import { testCompile } from '../testing/test-compile.ts';
import { start } from '../wasm.ts';

/** What `start` registers. */
const registered: Compile = (step, options) => (backendCompiler() as Compile)(step, options);

testCompile('compile on WebAssembly', {
  start: () => start({ threads: 1 }),
  compilers: { list: registered },
});
