import { type AnyModule, countParameters, Module } from '@minigpt/core';

/** A part of a model, or several like it in a row. */
export interface LayerNode {
  readonly name: string;
  /** The class. */
  readonly kind: string;
  /** How many of them stand in a row; 1 outside of lists. */
  readonly repeat: number;
  /** Scalars in all of them. */
  readonly parameters: number;
  readonly children: readonly LayerNode[];
}

/** The modules of a model from the root down; equal ones of a list are counted and shown once. */
export function layerTree(module: AnyModule, name = ''): LayerNode {
  const children: LayerNode[] = [];
  for (const [field, value] of Object.entries(module)) {
    if (value instanceof Module) children.push(layerTree(value, field));
    if (!Array.isArray(value)) continue;
    for (const [index, item] of value.entries()) {
      if (!(item instanceof Module)) continue;
      const node = layerTree(item, field);
      const before = children.at(-1);
      if (index > 0 && before !== undefined && shapeOf(before) === shapeOf(node)) {
        const repeat = before.repeat + 1;
        children[children.length - 1] = {
          ...before,
          repeat,
          parameters: before.parameters + node.parameters,
        };
      } else {
        children.push(node);
      }
    }
  }
  return { name, kind: module.constructor.name, repeat: 1, parameters: countParameters(module), children };
}

/** What equal parts have in common: everything but their number. */
function shapeOf({ name, kind, repeat, parameters, children }: LayerNode): string {
  return JSON.stringify([name, kind, parameters / repeat, children.map(shapeOf)]);
}

/** The tree as lines; parts without parameters are left out, but for the root. */
export function treeLines(root: LayerNode): string[] {
  const lines = [`${root.kind}  ${root.parameters.toLocaleString('en-US')}`];
  const visit = ({ children }: LayerNode, indent: string) => {
    const shown = children.filter(({ parameters }) => parameters > 0);
    for (const [i, child] of shown.entries()) {
      const isLast = i === shown.length - 1;
      const times = child.repeat > 1 ? `${child.repeat} × ` : '';
      lines.push(
        `${indent}${isLast ? '└─' : '├─'} ${child.name}: ${times}${child.kind}  ${times}${(child.parameters / child.repeat).toLocaleString('en-US')}`,
      );
      visit(child, indent + (isLast ? '   ' : '│  '));
    }
  };
  visit(root, '');
  return lines;
}
