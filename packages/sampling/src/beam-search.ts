import type { LanguageModel } from '@minigpt/core';
import { checkPrompt } from './checks.ts';
import { likeliest } from './distribution.ts';
import { turnTaker } from './event-loop.ts';
import { sessionFor } from './generate.ts';
import { logSoftmax } from './processors/log-softmax.ts';
import { chain, checkCount, checkFinite } from './processors/processor.ts';
import { type ConstraintOptions, constraints } from './sampling-options.ts';

export interface BeamSearchOptions extends ConstraintOptions {
  /** How many texts are continued side by side, and returned. Default 4. */
  readonly numBeams?: number;
  /** How many tokens at most. Default 100. */
  readonly maxNewTokens?: number;
  /** The exponent p of the length by which a text's log-probability is divided. Default 1; above it, longer texts win. */
  readonly lengthPenalty?: number;
  /** Stop as soon as `numBeams` texts have ended. Default false: once none of those still open beats them as it stands. */
  readonly earlyStopping?: boolean;
  /** Once aborted, the next token is not begun and the search throws the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface ScoredText {
  /** The ids after the prompt, the end id included. */
  readonly ids: readonly number[];
  /** The sum of the log-probabilities of these ids, in nats. */
  readonly logProbability: number;
  /** `logProbability / ids.length ** lengthPenalty`. */
  readonly score: number;
}

/** A text still open; `parent` is the row that it continues. */
interface Candidate {
  readonly parent: number;
  readonly ids: readonly number[];
  readonly logProbability: number;
}

/**
 * The likeliest continuations that a search of `numBeams` at a time finds, best first. The steps, the scores and when it
 * stops are those of transformers' `generate(num_beams=…)`: constraints act on log-probabilities.
 *
 * The prompt is read once; then all beams go forward in one pass a token, in one wait on the device, and the cache's rows
 * follow the beams.
 *
 * @throws PromptError, TokenRangeError, ConfigError; LogitsError where logits are no distribution
 */
export async function beamSearch(
  model: LanguageModel,
  ids: readonly number[],
  options: BeamSearchOptions = {},
): Promise<ScoredText[]> {
  const { numBeams = 4, maxNewTokens = 100, lengthPenalty = 1, earlyStopping = false } = options;
  const { endIds = [], signal } = options;
  checkPrompt(ids, model.vocabSize);
  checkCount('numBeams', numBeams);
  checkCount('maxNewTokens', maxNewTokens);
  checkFinite('lengthPenalty', lengthPenalty);
  const process = chain(constraints(options));
  const scored = ({ ids, logProbability }: Candidate): ScoredText => ({
    ids,
    logProbability,
    score: logProbability / ids.length ** lengthPenalty,
  });
  // As many as cannot all be ends, so that enough are left to go on.
  const considered = numBeams * Math.max(2, 1 + endIds.length);

  let open: Candidate[] = [{ parent: 0, ids: [], logProbability: 0 }];
  let ended: ScoredText[] = [];
  const session = sessionFor(model, ids.length + maxNewTokens);
  const takeTurn = turnTaker();
  try {
    for (let length = 1; length <= maxNewTokens && open.length > 0; length++) {
      await takeTurn();
      signal?.throwIfAborted();
      const texts = open.map((beam) => [...ids, ...beam.ids]);
      session.reorder(open.map(({ parent }) => parent));
      const rows = await session.nextLogits(texts);
      const candidates = rows
        .flatMap((logits, parent) =>
          continuations(open[parent], parent, process(logSoftmax(logits), texts[parent]), considered),
        )
        .sort((a, b) => b.logProbability - a.logProbability)
        .slice(0, considered);
      const ends = ({ ids }: Candidate) => length === maxNewTokens || endIds.includes(ids[length - 1]);
      open = candidates.filter((candidate) => !ends(candidate)).slice(0, numBeams);
      ended = [...ended, ...candidates.slice(0, numBeams).filter(ends).map(scored)]
        .sort((a, b) => b.score - a.score)
        .slice(0, numBeams);
      if (
        ended.length === numBeams &&
        (earlyStopping || !(scoreOf(open, scored) > ended[numBeams - 1].score))
      )
        break;
    }
  } finally {
    session.dispose();
  }
  return ended;
}

/** The score of the best open text as it stands. */
function scoreOf([best]: readonly Candidate[], scored: (text: Candidate) => ScoredText): number {
  return best === undefined ? Number.NEGATIVE_INFINITY : scored(best).score;
}

/** The `count` likeliest texts of one token more. */
function continuations(
  { ids, logProbability }: Candidate,
  parent: number,
  logProbabilities: Float32Array,
  count: number,
): Candidate[] {
  return likeliest(logProbabilities, count)
    .filter((id) => logProbabilities[id] > Number.NEGATIVE_INFINITY)
    .map((id) => ({ parent, ids: [...ids, id], logProbability: logProbability + logProbabilities[id] }));
}
