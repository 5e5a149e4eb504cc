import { testConfig } from './vitest.shared.ts';

export default testConfig({
  include: ['packages/*/src/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/**/*.test.ts'],
});
