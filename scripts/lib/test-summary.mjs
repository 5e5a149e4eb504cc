/**
 * @typedef {{ file: string, title: string, note?: string }} SkippedTest
 * @typedef {{ passed: number, failed: number, skipped: readonly SkippedTest[] }} TestSummary
 */

/**
 * The counts of a run.
 *
 * @param {readonly import('vitest/node').TestModule[]} files
 * @param {readonly unknown[]} unhandledErrors errors that belong to no test: one failure each
 * @param {RegExp} [wanted] what `-t` asked for; the tests that it left out are not counted as skipped
 * @returns {TestSummary}
 */
export function summarize(files, unhandledErrors, wanted) {
  let passed = 0;
  let failed = unhandledErrors.length;
  /** @type {SkippedTest[]} */
  const skipped = [];
  for (const file of files) {
    // A file that cannot be imported and a hook that throws fail once each, whatever tests they hide.
    if (file.errors().length > 0) failed++;
    for (const suite of file.children.allSuites()) if (suite.errors().length > 0) failed++;
    for (const test of file.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') passed++;
      else if (result.state === 'failed') failed++;
      else if (!wanted || wanted.test(test.fullName.replaceAll(' > ', ' '))) {
        const note = result.state === 'skipped' ? result.note : undefined;
        skipped.push({ file: file.relativeModuleId, title: test.fullName, note });
      }
    }
  }
  return { passed, failed, skipped };
}

/** The last line of a test run, which CI reads. @param {TestSummary} summary */
export function countsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
}

/**
 * What a run left out and how to have it run. A test says so in its own title or its suite's,
 * `(needs WHAT: HOW)`, or in the note of vitest's `ctx.skip(note)`; one that says nothing is named.
 *
 * @param {readonly SkippedTest[]} skipped
 * @returns {string[]}
 */
export function skipLines(skipped) {
  if (skipped.length === 0) return [];
  /** @type {Map<string, number>} */
  const counts = new Map();
  const unexplained = [];
  for (const test of skipped) {
    const reason = /\((needs .*?)\)/.exec(test.note ? `(${test.note})` : test.title)?.[1] ?? test.note;
    if (reason) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    else unexplained.push(`  no reason given: ${test.file}: ${test.title}`);
  }
  const explained = [...counts].map(([reason, n]) => `  ${n} ${n === 1 ? 'test' : 'tests'}: ${reason}`);
  return ['', 'Skipped:', ...explained, ...unexplained, ''];
}
