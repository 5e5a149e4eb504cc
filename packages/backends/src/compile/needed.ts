import type { Source, TracedNode } from './trace.ts';

/** What of a trace something depends on. */
export interface Needed {
  /** In their order. */
  readonly nodes: readonly number[];
  readonly variables: ReadonlySet<number>;
}

/** What has to be computed, and read, for `roots`. */
export function neededFor(roots: readonly Source[], nodes: readonly TracedNode[]): Needed {
  const needed = new Set<number>();
  const variables = new Set<number>();
  const visit = (sources: readonly Source[]) => {
    for (const source of sources) {
      if (source.from === 'variable') variables.add(source.variable);
      if (source.from === 'node') needed.add(source.node);
    }
  };
  visit(roots);
  // Backwards: what a node reads comes before it.
  for (let index = nodes.length - 1; index >= 0; index--) if (needed.has(index)) visit(nodes[index].inputs);
  return { nodes: [...needed].toSorted((a, b) => a - b), variables };
}
