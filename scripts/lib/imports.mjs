import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';

/** @typedef {{ specifier: string, kind: 'value' | 'type' | 'dynamic' }} Import */

/**
 * The modules that a source file names: `import`, `export … from`, `import()` and types such as `import('x').Y`.
 * An import of nothing but types counts as a type.
 *
 * @param {string} path
 * @returns {Import[]}
 */
export function importsOf(path) {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  /** @type {Import[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push({ specifier: node.moduleSpecifier.text, kind: isTypeImport(node) ? 'type' : 'value' });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      const names =
        node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : [];
      const onlyTypes = node.isTypeOnly || (names.length > 0 && names.every((name) => name.isTypeOnly));
      found.push({ specifier: node.moduleSpecifier.text, kind: onlyTypes ? 'type' : 'value' });
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [name] = node.arguments;
      if (name && ts.isStringLiteral(name)) found.push({ specifier: name.text, kind: 'dynamic' });
    } else if (
      ts.isImportTypeNode(node) &&
      ts.isLiteralTypeNode(node.argument) &&
      ts.isStringLiteral(node.argument.literal)
    ) {
      found.push({ specifier: node.argument.literal.text, kind: 'type' });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** @param {ts.ImportDeclaration} node */
function isTypeImport({ importClause }) {
  if (!importClause) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = importClause.namedBindings;
  if (importClause.name || !names || !ts.isNamedImports(names)) return false;
  return names.elements.length > 0 && names.elements.every((name) => name.isTypeOnly);
}

/**
 * The files that `entries` reach through relative imports, themselves included.
 *
 * @param {readonly string[]} entries
 * @param {(kind: Import['kind']) => boolean} [follow] which imports are followed; all unless told
 * @returns {Set<string>}
 */
export function reachable(entries, follow = () => true) {
  const seen = new Set(entries.filter((entry) => existsSync(entry)));
  for (const path of seen) {
    for (const { specifier, kind } of importsOf(path)) {
      const target = resolve(dirname(path), specifier);
      if (specifier.startsWith('.') && follow(kind) && existsSync(target)) seen.add(target);
    }
  }
  return seen;
}

/** `@minigpt/data/node` → `@minigpt/data`, `citty` → `citty`. @param {string} specifier */
export function packageOf(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
