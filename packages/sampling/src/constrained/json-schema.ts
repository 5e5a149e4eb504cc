import { JsonSchemaError } from './errors.ts';
import {
  type CodePointRange,
  characters,
  choice,
  complement,
  type Expression,
  LAST_CODE_POINT,
  type Member,
  repeat,
  sequence,
  text,
} from './expression.ts';
import { partialMatch, wholeMatch } from './pattern.ts';

/** How deep a schema may nest. */
const MAX_SCHEMA_DEPTH = 32;
/** How deep arrays and objects nest in a value of which the schema says nothing. */
const ANY_VALUE_DEPTH = 3;

export interface JsonFormat {
  /** One space after each `:` and `,`, as Python's json.dumps writes. Default false: none. */
  readonly spaces?: boolean;
}

const annotations = ['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples'];
const keywordsOf = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  number: [],
  integer: [],
  boolean: [],
  null: [],
} satisfies Record<string, string[]>;
type TypeName = keyof typeof keywordsOf;
const typeNames = Object.keys(keywordsOf) as TypeName[];
const keywords = ['type', 'enum', 'const', 'anyOf', ...Object.values(keywordsOf).flat(), ...annotations];

/** Digits and exponents that a double holds, so that no number is lost or infinite, and none goes on for ever. */
const integer = '-?(0|[1-9][0-9]{0,14})';
const scalars = {
  number: wholeMatch(`${integer}(\\.[0-9]{1,15})?([eE][+-]?[0-9]{1,2})?`),
  integer: wholeMatch(integer),
  boolean: choice(text('true'), text('false')),
  null: text('null'),
};

const anyCharacter = characters([0, LAST_CODE_POINT]);
const unbounded = Number.POSITIVE_INFINITY;

type Schema = Readonly<Record<string, unknown>>;

/** The JSON texts of the values that a schema allows. @throws JsonSchemaError, PatternError */
export function jsonTexts(schema: unknown, { spaces = false }: JsonFormat): Expression {
  return new SchemaReader(spaces ? ' ' : '').read(schema, '#', 0);
}

class SchemaReader {
  private readonly colon: string;
  private readonly comma: string;

  constructor(space: string) {
    this.colon = `:${space}`;
    this.comma = `,${space}`;
  }

  read(schema: unknown, path: string, depth: number): Expression {
    if (schema === true) return this.any(ANY_VALUE_DEPTH);
    check(isRecord(schema), path, 'A schema is an object or true');
    check(depth <= MAX_SCHEMA_DEPTH, path, `A schema nests at most ${MAX_SCHEMA_DEPTH} deep`);
    for (const keyword of Object.keys(schema)) {
      check(keywords.includes(keyword), `${path}/${keyword}`, `The keywords are ${keywords.join(', ')}`);
    }
    const types = typesOf(schema, path);
    const stated = (...besides: string[]) =>
      Object.keys(schema).filter((keyword) => ![...annotations, ...besides].includes(keyword));
    for (const keyword of ['enum', 'const', 'anyOf']) {
      if (!(keyword in schema)) continue;
      const others = keyword === 'anyOf' ? stated(keyword) : stated(keyword, 'type');
      check(others.length === 0, `${path}/${others[0]}`, `A schema with ${keyword} has no other constraint`);
    }
    if ('anyOf' in schema) {
      const options = schema.anyOf;
      check(Array.isArray(options) && options.length > 0, `${path}/anyOf`, 'anyOf is a list of schemas');
      return choice(...options.map((option, i) => this.read(option, `${path}/anyOf/${i}`, depth + 1)));
    }
    if ('const' in schema || 'enum' in schema) {
      const values = 'const' in schema ? [schema.const] : schema.enum;
      check(Array.isArray(values) && values.length > 0, `${path}/enum`, 'enum is a list of values');
      const fitting = values.filter(
        (value) => types === undefined || types.some((type) => isOf(type, value)),
      );
      check(fitting.length > 0, path, 'One of the values at least has the type');
      return choice(...fitting.map((value) => text(this.write(value, path))));
    }
    const implied = typeNames.filter((type) => keywordsOf[type].some((keyword) => keyword in schema));
    const allowed = types ?? implied;
    if (allowed.length === 0) return this.any(ANY_VALUE_DEPTH);
    return choice(...allowed.map((type) => this.ofType(type, schema, path, depth)));
  }

  private ofType(type: TypeName, schema: Schema, path: string, depth: number): Expression {
    if (type === 'string') return stringOf(schema, path);
    if (type === 'array') return this.arrayOf(schema, path, depth);
    if (type === 'object') return this.objectOf(schema, path, depth);
    return scalars[type];
  }

  private arrayOf(schema: Schema, path: string, depth: number): Expression {
    const { min, max } = bounds(schema, path, 'minItems', 'maxItems');
    const { items } = schema;
    const item =
      items === undefined ? this.any(ANY_VALUE_DEPTH) : this.read(items, `${path}/items`, depth + 1);
    return sequence(text('['), this.list(item, min, max), text(']'));
  }

  private list(item: Expression, min: number, max: number): Expression {
    if (max === 0) return text('');
    if (min <= 1 && max === unbounded) {
      const members = [{ of: item, required: min === 1, repeats: true }];
      return { type: 'joined', members, separator: this.comma };
    }
    const more = repeat(sequence(text(this.comma), item), Math.max(min, 1) - 1, max - 1);
    return repeat(sequence(item, more), Math.min(min, 1), 1);
  }

  private objectOf(schema: Schema, path: string, depth: number): Expression {
    const { properties = {}, required = [], additionalProperties = !('properties' in schema) } = schema;
    check(isRecord(properties), `${path}/properties`, 'properties is an object of schemas');
    check(isListOfStrings(required), `${path}/required`, 'required is a list of names');
    const names = [...new Set([...Object.keys(properties), ...required])];
    const additional =
      additionalProperties === false
        ? undefined
        : this.read(additionalProperties, `${path}/additionalProperties`, depth + 1);
    const members: Member[] = names.map((name) => {
      const value = Object.hasOwn(properties, name)
        ? this.read(properties[name], `${path}/properties/${name}`, depth + 1)
        : additional;
      check(value !== undefined, `${path}/required`, 'Every required property is a stated one');
      return {
        of: this.property(text(JSON.stringify(name)), value),
        required: required.includes(name),
        repeats: false,
      };
    });
    if (additional !== undefined) {
      const key = sequence(text('"'), escaped(otherThan(names.map((name) => [...name]))), text('"'));
      members.push({ of: this.property(key, additional), required: false, repeats: true });
    }
    return sequence(text('{'), { type: 'joined', members, separator: this.comma }, text('}'));
  }

  private property(key: Expression, value: Expression): Expression {
    return sequence(key, text(this.colon), value);
  }

  private any(depth: number): Expression {
    const string = stringOf({}, '#');
    const { number, boolean } = scalars;
    if (depth === 0) return choice(string, number, boolean, scalars.null);
    const of = this.any(depth - 1);
    const members = [{ of: this.property(string, of), required: false, repeats: true }];
    return choice(
      this.any(0),
      sequence(text('['), this.list(of, 0, unbounded), text(']')),
      sequence(text('{'), { type: 'joined', members, separator: this.comma }, text('}')),
    );
  }

  /** JSON.stringify with this format's separators. */
  private write(value: unknown, path: string): string {
    if (Array.isArray(value)) return `[${value.map((item) => this.write(item, path)).join(this.comma)}]`;
    if (isRecord(value)) {
      const members = Object.entries(value).map(
        ([key, member]) => `${JSON.stringify(key)}${this.colon}${this.write(member, path)}`,
      );
      return `{${members.join(this.comma)}}`;
    }
    const isJson = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    check(isJson, path, 'A value is one that JSON can write');
    return JSON.stringify(value);
  }
}

function stringOf(schema: Schema, path: string): Expression {
  const { pattern } = schema;
  const { min, max } = bounds(schema, path, 'minLength', 'maxLength');
  check(pattern === undefined || typeof pattern === 'string', `${path}/pattern`, 'pattern is a string');
  const free = min === 0 && max === unbounded;
  check(pattern === undefined || free, `${path}/pattern`, 'A string has either a pattern or a length');
  const content = pattern === undefined ? repeat(anyCharacter, min, max) : partialMatch(pattern);
  return sequence(text('"'), escaped(content), text('"'));
}

const shortEscapes = '\b\t\n\f\r';
const code = (character: string) => character.charCodeAt(0);
const mustEscape: readonly CodePointRange[] = [
  [0, 0x1f],
  [code('"'), code('"')],
  [code('\\'), code('\\')],
];

/** The same texts inside a JSON string, each character in the one spelling that JSON.stringify gives it. */
function escaped(expression: Expression): Expression {
  switch (expression.type) {
    case 'characters':
      return escapedCharacter(expression.ranges);
    case 'text':
      return text(JSON.stringify(expression.text).slice(1, -1));
    case 'sequence':
      return sequence(...expression.parts.map(escaped));
    case 'choice':
      return choice(...expression.options.map(escaped));
    case 'repeat':
      return { ...expression, of: escaped(expression.of) };
    case 'joined':
      return {
        ...expression,
        members: expression.members.map((member) => ({ ...member, of: escaped(member.of) })),
      };
  }
}

function escapedCharacter(ranges: readonly CodePointRange[]): Expression {
  const plain = complement([...complement(ranges), ...mustEscape]);
  const options = [characters(...plain)];
  const has = (value: number) => ranges.some(([low, high]) => low <= value && value <= high);
  const letters: CodePointRange[] = [];
  const hexDigits: CodePointRange[][] = [[], []];
  for (const value of [...Array(0x20).keys(), code('"'), code('\\')].filter(has)) {
    const short = value >= 0x20 || shortEscapes.includes(String.fromCharCode(value));
    const last = code(JSON.stringify(String.fromCharCode(value)).at(-2) as string);
    (short ? letters : hexDigits[value >> 4]).push([last, last]);
  }
  if (letters.length > 0) options.push(sequence(text('\\'), characters(...letters)));
  for (const [high, lasts] of hexDigits.entries())
    if (lasts.length > 0) options.push(sequence(text(`\\u00${high}`), characters(...lasts)));
  return choice(...options);
}

/** All texts but these, which are given as lists of characters. */
function otherThan(texts: readonly (readonly string[])[]): Expression {
  const nonempty = texts.filter((characters) => characters.length > 0);
  const firsts = [...new Set(nonempty.map(([first]) => first))];
  const taken = firsts.map(
    (first): CodePointRange => [first.codePointAt(0) as number, first.codePointAt(0) as number],
  );
  const options = [
    sequence(characters(...complement(taken)), repeat(anyCharacter, 0, unbounded)),
    ...firsts.map((first, i) => {
      const rests = nonempty.filter(([start]) => start === first).map((all) => all.slice(1));
      return sequence(characters(taken[i]), otherThan(rests));
    }),
  ];
  return choice(...options, ...(nonempty.length === texts.length ? [text('')] : []));
}

/** @throws JsonSchemaError */
function check(condition: boolean, path: string, rule: string): asserts condition {
  if (!condition) throw new JsonSchemaError(path, rule);
}

function isRecord(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOfStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function typesOf({ type }: Schema, path: string): TypeName[] | undefined {
  if (type === undefined) return undefined;
  const types = Array.isArray(type) ? type : [type];
  const known = types.length > 0 && types.every((name) => typeNames.includes(name));
  check(known, `${path}/type`, `type is one or several of ${typeNames.join(', ')}`);
  return types;
}

function isOf(type: TypeName, value: unknown): boolean {
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return isRecord(value);
  if (type === 'array') return Array.isArray(value);
  return type === 'null' ? value === null : typeof value === type;
}

function bounds(schema: Schema, path: string, lower: string, upper: string) {
  const { [lower]: min = 0, [upper]: max } = schema;
  for (const [keyword, value] of [
    [lower, min],
    [upper, max ?? 0],
  ] as const)
    check(
      Number.isSafeInteger(value) && Number(value) >= 0,
      `${path}/${keyword}`,
      `${keyword} is a whole number`,
    );
  const range = { min: Number(min), max: max === undefined ? unbounded : Number(max) };
  check(range.min <= range.max, `${path}/${upper}`, `${upper} is at least ${lower}`);
  return range;
}
