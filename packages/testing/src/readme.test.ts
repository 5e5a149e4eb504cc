import { expect } from 'vitest';
import { testReadme } from './readme.ts';
import './readme-example.ts'; // registers the tests of a whole suite, so it is not for the inside of one

testReadme({
  testFile: import.meta.url,
  run: async () => {},
  check: (logged) => expect(logged).toEqual([]),
});
