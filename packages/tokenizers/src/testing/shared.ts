import { referenceData } from '@minigpt/testing/reference';

/** The folder of reference data, or undefined where it is absent: tests that need it are then skipped. */
export const shared = referenceData();
