import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { ChatTemplateError } from './chat-template-error.ts';

interface TemplateLimits {
  /** Nodes of the template that one rendering may evaluate, long values counted several times. */
  readonly steps: number;
  /** Characters that a value may hold, those of what is in it together; anything but a string counts as some. */
  readonly size: number;
}

/** A conversation of 4,000 turns takes less than half a million steps; two million are some ten seconds. */
const templateLimits: TemplateLimits = { steps: 2_000_000, size: 2 ** 25 };

type Program = Template['parsed'];
type Value = ReturnType<Interpreter['evaluate']>;

/** What numbers, lists and the like count for. */
const SIZE_OF_A_VALUE = 32;

/**
 * Jinja's interpreter with an end: a template comes along with a checkpoint, and might loop for hours or fill the memory.
 * Loops must have gone through {@link countIterations}.
 *
 * @throws ChatTemplateError where one of the limits is reached
 */
class BoundedInterpreter extends Interpreter {
  #steps = 0;
  readonly #limits: TemplateLimits;
  readonly #sizes = new WeakMap<Value, number>();

  constructor(scope: Environment, limits: TemplateLimits) {
    super(scope);
    this.#limits = limits;
  }

  override evaluate(...[node, scope]: Parameters<Interpreter['evaluate']>): Value {
    const result = super.evaluate(node, scope);
    if (this.#sizeOf(result) > this.#limits.size) {
      throw new ChatTemplateError(
        `A value in a template may hold ${this.#limits.size} characters, but a ${result.type} of this one holds more.`,
      );
    }
    this.#steps += 1 + costOf(result);
    if (this.#steps > this.#limits.steps) {
      throw new ChatTemplateError(
        `A template may take ${this.#limits.steps} steps, but this one goes on: a loop in it has too much to do.`,
      );
    }
    return result;
  }

  /** Of a value that holds another twice, twice the other's, which is what it takes to write it out. */
  #sizeOf(value: Value): number {
    if (typeof value.value === 'string') return value.value.length;
    const parts = partsOf(value);
    if (parts === undefined) return SIZE_OF_A_VALUE;
    let size = this.#sizes.get(value);
    if (size === undefined) {
      size = SIZE_OF_A_VALUE;
      for (const part of parts.values()) size += this.#sizeOf(part);
      this.#sizes.set(value, size);
    }
    return size;
  }
}

/** What filters and loops do with a long value, in steps. */
function costOf(value: Value): number {
  if (typeof value.value === 'string') return value.value.length >> 6;
  const parts = partsOf(value);
  return parts === undefined ? 0 : (Array.isArray(parts) ? parts.length : parts.size) >> 2;
}

/** Of lists and mappings; a namespace, which alone can change, may hold itself. */
function partsOf(value: Value): Value[] | Map<string, Value> | undefined {
  if (value.type === 'NamespaceValue') return undefined;
  return Array.isArray(value.value) || value.value instanceof Map ? value.value : undefined;
}

/** Makes each turn of each loop a step, in a parsed template, also of a loop with nothing in it. */
export function countIterations(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of node instanceof Map ? node.values() : Object.values(node)) countIterations(child);
  const { type, body } = node as { type?: string; body?: unknown[] };
  if (type === 'For') body?.unshift({ type: 'StringLiteral', value: '' });
}

/** What transformers gives its templates, as `@huggingface/jinja` does, but ranges have an end. */
const globals = {
  ...{ true: true, false: false, none: null, True: true, False: false, None: null },
  raise_exception(message: unknown) {
    throw new Error(String(message));
  },
  strftime_now: (format: unknown) => new Template('{{ strftime_now(format) }}').render({ format }),
  range,
};

function range(start: number, stop?: number, step = 1): number[] {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length * SIZE_OF_A_VALUE <= templateLimits.size)) {
    throw new Error(
      `range() must give at most ${templateLimits.size / SIZE_OF_A_VALUE} numbers, but it is to give ${length}`,
    );
  }
  return Array.from({ length }, (_, i) => from + i * step);
}

/**
 * What a parsed template writes.
 *
 * @throws what the template throws, and ChatTemplateError where it reaches a limit
 */
export function renderBounded(
  program: Program,
  variables: Readonly<Record<string, unknown>>,
  limits = templateLimits,
): string {
  const scope = new Environment();
  for (const [name, value] of Object.entries({ ...globals, ...variables })) scope.set(name, value);
  return new BoundedInterpreter(scope, limits).run(program).value as string;
}
