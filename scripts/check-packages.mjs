// Says which package lacks a file or a field that every package has, or imports against the arrows. Needs no build.
import { fileURLToPath } from 'node:url';
import { circles, packageProblems } from './lib/package-rules.mjs';
import { workspacePackages } from './lib/workspace.mjs';

const packages = workspacePackages(fileURLToPath(new URL('..', import.meta.url)));
const problems = [
  ...packages.flatMap((pkg) => packageProblems(pkg).map((problem) => `packages/${pkg.folder}: ${problem}`)),
  ...circles(packages),
];
for (const problem of problems) console.error(problem);
console.log(
  `${packages.length} packages, ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
);
process.exitCode = problems.length > 0 ? 1 : 0;
