import { testSameSeed } from './testing/test-same-seed.ts';

testSameSeed();
