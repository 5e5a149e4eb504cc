import { TokenizerFormatError } from '../errors.ts';

/** Ids above this are an attack, not a vocabulary. */
const MAX_ID = 2 ** 24;

/** Tokens as the file spells them, both ways. */
export class Vocabulary {
  private constructor(
    readonly ids: ReadonlyMap<string, number>,
    /** By id; undefined where an id is not used. */
    readonly tokens: readonly (string | undefined)[],
  ) {}

  /** @throws TokenizerFormatError for ids that are not small natural numbers, or used twice */
  static of(entries: Iterable<readonly [string, number]>): Vocabulary {
    const ids = new Map<string, number>();
    const tokens: (string | undefined)[] = [];
    let highest = -1;
    for (const [token, id] of entries) {
      checkId(id, token);
      ids.set(token, id);
      if (id > highest) highest = id;
    }
    for (let id = 0; id <= highest; id++) tokens.push(undefined);
    for (const [token, id] of ids) {
      const other = tokens[id];
      if (other !== undefined) {
        throw new TokenizerFormatError(
          'tokenizer.json',
          `the tokens ${JSON.stringify(other)} and ${JSON.stringify(token)} have the same id ${id}.`,
        );
      }
      tokens[id] = token;
    }
    return new Vocabulary(ids, tokens);
  }

  /** @throws TokenizerFormatError where it is not an object of numbers */
  static fromRecord(record: unknown): Vocabulary {
    if (typeof record !== 'object' || record === null || Array.isArray(record)) {
      throw new TokenizerFormatError('tokenizer.json', 'model.vocab is not an object from token to id.');
    }
    return Vocabulary.of(Object.entries(record));
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.ids);
  }
}

/** @throws TokenizerFormatError */
export function checkId(id: unknown, token: unknown): asserts id is number {
  if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= MAX_ID) {
    throw new TokenizerFormatError(
      'tokenizer.json',
      `the token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}; ids are whole numbers from 0 to ${MAX_ID - 1}.`,
    );
  }
}
