import { backendCompiler, type Compile } from '@minigpt/core';
import { start } from '../wasm.ts';
import { testCompile } from './test-compile.ts';

/** What `start` registers. */
const registered: Compile = (step, options) => (backendCompiler() as Compile)(step, options);

/** The suite of every compiler for the one of WebAssembly, in Node and in browsers. */
export function testCompileOnWasm(): void {
  testCompile('compile on WebAssembly', {
    start: () => start({ threads: 1 }),
    compilers: { list: registered },
  });
}
