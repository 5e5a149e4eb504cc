/**
 * The files outside `src` that were bundled into a build, by its source map. tsup bundles, without a word, whatever
 * package.json does not declare: an undeclared import of tfjs-core would be a second tfjs engine.
 *
 * @param {{ sources: readonly string[] }} sourceMap
 * @returns {string[]}
 */
export function foreignSources({ sources }) {
  return sources.filter((source) => !/^(\.\.\/)+src\//.test(source));
}
