export { families, measureFamily } from './families.ts';
export { measureOperation, type OperationCase, operations } from './operations.ts';
export { type MeasuredTraining, measureTraining } from './training-run.ts';
