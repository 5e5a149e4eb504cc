import { testCompileOnWasm } from '../testing/test-compile-on-wasm.ts';

testCompileOnWasm();
