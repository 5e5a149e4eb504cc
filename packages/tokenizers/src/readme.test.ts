import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as tokenizers from './index.ts';

describe('README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;

  it('begins with a snippet of at most ten lines, which prints what it says', () => {
    expect(snippet.trim().split('\n').length).toBeLessThanOrEqual(10);
    const printed: string[] = [];
    const body = snippet.replace(
      /^import .* from .*;$/m,
      'const { characterTokenizer, loadTokenizer } = tokenizers;',
    );
    new Function('tokenizers', 'console', body)(tokenizers, {
      log: (line: unknown) => printed.push(String(line)),
    });
    expect(printed).toEqual([...snippet.matchAll(/console\.log.*\/\/ (.*)$/gm)].map((match) => match[1]));
  });
});
