import { afterEach, expect, it, vi } from 'vitest';
import { positiveInteger } from './parse.ts';
import { recipeCommand } from './recipe-command.ts';

afterEach(() => vi.restoreAllMocks());

/** Parses a command line; what it prints and its exit code, where it ends the process. */
function parsed(...args: string[]) {
  let printed = '';
  const print = (text: string) => {
    printed += text;
  };
  const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
    throw new Error('exited');
  });
  const command = recipeCommand({
    name: 'example',
    description: 'Shows flags.',
    data: 'a text',
    examples: ['pnpm recipe example --quick'],
  })
    .option('--steps <n>', 'training steps', positiveInteger)
    .configureOutput({ writeOut: print, writeErr: print });
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (exit.mock.calls.length === 0) throw error;
  }
  return { flags: command.opts(), printed, code: exit.mock.calls[0]?.[0] };
}

it('has the flags that every recipe has', () => {
  const { flags, code } = parsed('--quick', '--steps', '7');
  expect(flags).toEqual({
    quick: true,
    backend: 'auto',
    seed: 1337,
    out: 'out/recipes/example',
    steps: 7,
  });
  expect(code).toBeUndefined();
});

it.each([
  ['an unknown flag', ['--fast'], "error: unknown option '--fast'"],
  ['a backend that there is not', ['--backend', 'gpu'], 'Allowed choices are auto, node, wasm, cpu.'],
  ['no number', ['--steps', 'many'], 'It takes a positive integer.'],
  ['an argument', ['book.txt'], 'error: too many arguments'],
])('%s is a mistake on the command line: exit code 2', (_, args, message) => {
  const { printed, code } = parsed(...args);
  expect(code).toBe(2);
  expect(printed).toContain(message);
  expect(printed).toContain('(see --help)');
});

it('exits with 0 after --help', () => {
  const { printed, code } = parsed('--help');
  expect(code).toBe(0);
  expect(printed).toContain('Examples:\n  pnpm recipe example --quick');
});
