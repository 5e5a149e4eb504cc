import {
  APOSTROPHE,
  BLANK,
  END,
  LETTER,
  LONG_S,
  LOWER,
  LOWER_E,
  LOWER_L,
  LOWER_RV,
  LOWER_SDMT,
  MARK,
  NEWLINE,
  NUMBER,
  SLASH,
  SPACE_1,
  SPACE_2,
  SPACE_3,
  SYMBOL,
  UNCASED,
  UPPER,
  UPPER_E,
  UPPER_L,
  UPPER_RV,
  UPPER_SDMT,
} from './character-classes.ts';
import { type Rule, type Scanner, START, scannerOf } from './scanner.ts';

/** `[^\s\p{L}\p{N}]` */
const SIGN = SYMBOL | MARK;
/** White space within a line, but for the blank. */
const SPACE = SPACE_1 | SPACE_2 | SPACE_3;
const ANYTHING = -1;
// Letters of contractions in either case.
const SDMT = LOWER_SDMT | UPPER_SDMT | LONG_S;
const RV = LOWER_RV | UPPER_RV;
const E = LOWER_E | UPPER_E;
const L = LOWER_L | UPPER_L;

/**
 * GPT-2's pattern. With `digits`, every number stands alone first and the pattern holds between numbers, as
 * StarCoder and SmolLM have it.
 */
export function gpt2Scanner(digits: boolean): Scanner {
  const words: Ways = [
    [LETTER, 'letters'],
    [SIGN, 'signs'],
  ];
  const numbers: Ways = digits ? [] : [[NUMBER, 'numbers']];
  return scannerOf([
    ...ways(START, [
      ...words,
      [NUMBER, 'numbers'],
      [APOSTROPHE, "'"],
      [BLANK, 'blank'],
      [SPACE | NEWLINE, 'space'],
    ]),
    ...ways('letters', [[LETTER, 'letters']]),
    ...ways('numbers', numbers),
    ...ways('signs', [[SIGN, 'signs']]),
    ...ways("'", [
      [SIGN, 'signs'],
      [LOWER_SDMT, "'s"],
      [LOWER_RV, "'r"],
      [LOWER_L, "'l"],
    ]),
    // Where it is no contraction, the apostrophe is a word.
    [["'r", "'l"], ANYTHING, undefined, 2, 1],
    [["'r", "'l"], LETTER, 'letters', 1, 1],
    ...ways("'r", [[LOWER_E, "'re"]]),
    ...ways("'l", [[LOWER_L, "'ll"]]),
    ...spaces([...words, ...numbers], [], NEWLINE, digits ? END | NUMBER : END),
  ]);
}

/** The pattern of GPT-4 (cl100k) and Llama 3 with up to three digits, of Qwen 2 with one. */
export function gpt4Scanner(maxDigits: 1 | 3): Scanner {
  const words: Ways = [[LETTER, 'letters']];
  return scannerOf([
    ...ways(START, [...words, [SIGN, 'sign'], [APOSTROPHE, "'"]]),
    ...ways('letters', words),
    ...ways('sign', [...words, [SIGN, 'signs'], [NEWLINE, 'signs, newlines']]),
    ...ways('signs', [
      [SIGN, 'signs'],
      [NEWLINE, 'signs, newlines'],
    ]),
    ...ways('signs, newlines', [[NEWLINE, 'signs, newlines']]),
    ...ways("'", [
      ...words,
      [SIGN, 'signs'],
      [NEWLINE, 'signs, newlines'],
      [SDMT, "'s"],
      [RV, "'r"],
      [L, "'l"],
    ]),
    ...ways("'r", [...words, [E, "'re"]]),
    ...ways("'l", [...words, [L, "'ll"]]),
    ...digits(maxDigits),
    ...lines([...words, [SIGN, 'signs']], words),
  ]);
}

/** The pattern of GPT-4o (o200k): words change from upper to lower case once, and take their contraction with them. */
export function o200kScanner(): Scanner {
  const uncased = UNCASED | MARK;
  const words: Ways = [
    [UPPER, 'upper'],
    [LOWER, 'lower'],
    [uncased, 'uncased'],
  ];
  const lower: Ways = [
    [LOWER | uncased, 'lower'],
    [APOSTROPHE, "word'"],
  ];
  const upper: Ways = [...words, [APOSTROPHE, "word'"]];
  const signs: Ways = [
    [SIGN, 'signs'],
    [NEWLINE, 'signs, newlines'],
  ];
  const sign: Ways = [...signs, ...words];
  return scannerOf([
    ...ways(START, [[SYMBOL, 'sign'], ...words]),
    ...ways('lower', lower),
    ...ways('upper', upper),
    ...ways('uncased', upper),
    // `U*L+` gives capitals at its end back, down to a character that is both; unless more follow that are lower or both.
    [['uncased'], UPPER, 'uncased, upper', 1],
    ...ways('uncased, upper', [
      [UPPER, 'uncased, upper'],
      [APOSTROPHE, "word'"],
    ]),
    [['uncased, upper'], LOWER, 'lower', -1],
    [['uncased, upper'], uncased, 'uncased', -1],
    // Where it is no contraction, a word begins with the apostrophe.
    [["word'"], ANYTHING, undefined, 2, 1],
    ...ways("word'", sign, 1, 1),
    ...ways("word'", [
      [SDMT, "word's"],
      [LOWER_RV, "word'r"],
      [UPPER_RV, "word'R"],
      [LOWER_L, "word'l"],
      [UPPER_L, "word'L"],
    ]),
    [["word'r", "word'R", "word'l", "word'L"], ANYTHING, undefined, 2, 2],
    ...ways(["word'r", "word'l"], lower, 1, 2),
    ...ways(["word'R", "word'L"], upper, 1, 2),
    ...ways(["word'r", "word'R"], [[E, "word's"]]),
    ...ways(["word'l", "word'L"], [[L, "word's"]]),
    ...ways('sign', sign),
    ...ways('signs', signs),
    ...ways('signs, newlines', [[NEWLINE | SLASH, 'signs, newlines']]),
    ...digits(3),
    ...lines([[SYMBOL, 'signs'], ...words], words),
  ]);
}

/** Characters that go on with a word, and the state that they lead to. */
type Ways = readonly (readonly [classes: number, next: string])[];

function ways(states: string | readonly string[], list: Ways, ends?: Rule[3], back?: number): Rule[] {
  return list.map(([classes, next]) => [[states].flat(), classes, next, ends, back]);
}

/** `\p{N}` or `\p{N}{1,3}` */
function digits(most: 1 | 3): Rule[] {
  const first = ways(START, [[NUMBER, 'digit']]);
  if (most === 1) return first;
  return [...first, ...ways('digit', [[NUMBER, 'digits']]), ...ways('digits', [[NUMBER, 'three digits']])];
}

/**
 * `\s+(?!\S)|\s+`: white space without its last character where a word follows, which may take it.
 *
 * @param afterBlank words that begin with a blank, by what follows it
 * @param afterSpace the same for other white space
 * @param newlines line ends, where they are white space like any other
 * @param whole what takes no white space away
 * @param name ends the states' names
 */
function spaces(afterBlank: Ways, afterSpace: Ways, newlines = 0, whole = END, name = ''): Rule[] {
  const [blank, space, blanks, ...runs] = spaceStates(name);
  const bytes = [SPACE_1 | newlines, SPACE_2, SPACE_3];
  const more: Ways = [[BLANK, blanks], ...bytes.map((classes, i) => [classes, runs[i]!] as const)];
  const giveBack = (state: string, words: Ways, back: number): Rule[] => [
    [[state], ANYTHING, undefined, 2, back],
    [[state], whole, undefined, 1],
    ...ways(state, words, 1, back),
    ...ways(state, more),
  ];
  return [
    ...ways(blank, [...afterBlank, ...more]),
    ...ways(space, [...afterSpace, ...more]),
    ...giveBack(blanks, afterBlank, 1),
    ...runs.flatMap((run, i) => giveBack(run, afterSpace, i + 1)),
  ];
}

/** One blank; one other space; more, a blank last; more, a space of one, two or three bytes last. */
function spaceStates(name: string): [string, string, string, ...string[]] {
  return [`blank${name}`, `space${name}`, `blanks${name}`, `1${name}`, `2${name}`, `3${name}`];
}

/** `\s*[\r\n]+|\s+(?!\S)|\s+`: white space up to its last line end, then the rest of it. */
function lines(afterBlank: Ways, afterSpace: Ways): Rule[] {
  const afterLine = ' of a new line';
  return [
    ...ways(START, [
      [BLANK, 'blank'],
      [SPACE, 'space'],
      [NEWLINE, 'newlines'],
    ]),
    ...spaces(afterBlank, afterSpace),
    ...ways(spaceStates(''), [[NEWLINE, 'newlines']]),
    ...ways('newlines', [[NEWLINE, 'newlines']]),
    // The line end may be the last: a word ends behind it, until another comes.
    ...ways(
      'newlines',
      [
        [BLANK, `blank${afterLine}`],
        [SPACE, `space${afterLine}`],
      ],
      1,
    ),
    ...spaces(afterBlank, afterSpace, 0, END, afterLine),
    ...ways(spaceStates(afterLine), [[NEWLINE, 'newlines']], -1),
  ];
}
