import { MinigptError } from '@minigpt/core';

/** What kept a document from being read. */
export type TeiProblem = 'not-well-formed' | 'not-tei' | 'no-letters' | 'entity' | 'too-deep' | 'too-large';

/** A document that is not the TEI that was asked for, or beyond a limit. */
export class TeiError extends MinigptError {
  readonly problem: TeiProblem;
  /** Counted from 1; undefined where the problem lies in no one place. */
  readonly line: number | undefined;

  /** @param source names the document in the message, such as a path */
  constructor(problem: TeiProblem, source: string, message: string, line?: number) {
    super(`Cannot read letters from ${source}${line === undefined ? '' : `, line ${line}`}: ${message}.`);
    this.problem = problem;
    this.line = line;
  }
}
