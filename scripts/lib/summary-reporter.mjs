import { summarize } from './test-summary.mjs';

/** A vitest reporter that sends the counts of a run to the process that started it, `scripts/test.mjs`. */
export default class SummaryReporter {
  /** @type {RegExp | undefined} what `-t` asked for */
  #wanted;

  /** @param {import('vitest/node').Vitest} vitest */
  onInit(vitest) {
    this.#wanted = vitest.getGlobalTestNamePattern();
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} files
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(files, unhandledErrors) {
    process.send?.(summarize(files, unhandledErrors, this.#wanted));
  }
}
