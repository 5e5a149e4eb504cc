export { TeiError, type TeiProblem } from './tei/errors.ts';
export { type Letter, letterText, readLetters, type TeiLimits } from './tei/letters.ts';
