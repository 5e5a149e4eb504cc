export { writeBetweenMarkers } from './lesson/between-markers.ts';
export { type Check, figure, holds, type Rule, spelled } from './lesson/check.ts';
export { explainError } from './lesson/explain-error.ts';
export { Lesson, type LessonOptions } from './lesson/lesson.ts';
export { duration, grouped } from './lesson/numbers.ts';
export { integer, positiveInteger } from './lesson/parse.ts';
export { type ProgressLine, progressLine } from './lesson/progress-line.ts';
export { type PublishOptions, publish } from './lesson/publish.ts';
export {
  type RecipeCommandOptions,
  type RecipeFlags,
  recipeCommand,
} from './lesson/recipe-command.ts';
export { oneLine } from './lesson/terminal.ts';
