import type { Template } from '@huggingface/jinja';

type Program = Template['parsed'];

/** Variable that holds {@link pythonEquals} while a template is rendered. */
export const EQUALS_FUNCTION = '__equals';

/**
 * `@huggingface/jinja` 0.5 compares by JavaScript's `==`, for which `''` equals `false` and `'1'` equals 1.
 * Rewrites `a == b` into `__equals(a, b)`, and `a != b` into its negation, everywhere in a parsed template.
 */
export function usePythonEquality(program: Program): void {
  rewrite(program);
}

/** Python's `==` of two values without their Jinja wrappers. */
export function pythonEquals(left: unknown, right: unknown): boolean {
  return numeric(left) === numeric(right);
}

/** In Python, True is 1. */
function numeric(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

function rewrite(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of node instanceof Map ? node.values() : Object.values(node)) rewrite(child);
  if (!isComparison(node)) return;
  const call = {
    type: 'CallExpression',
    callee: { type: 'Identifier', value: EQUALS_FUNCTION },
    args: [node.left, node.right],
  };
  if (node.operator.value === '==') Object.assign(node, call);
  else Object.assign(node, { type: 'UnaryExpression', operator: { value: 'not' }, argument: call });
}

interface Comparison {
  type: string;
  operator: { value: string };
  left: unknown;
  right: unknown;
}

function isComparison(node: object): node is Comparison {
  const { type, operator } = node as Partial<Comparison>;
  return type === 'BinaryExpression' && (operator?.value === '==' || operator?.value === '!=');
}
