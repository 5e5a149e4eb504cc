import { MinigptError } from '@minigpt/core';

/** The command line asks for something impossible; exit code 2. */
export class UsageError extends MinigptError {}

/** The run was stopped by Ctrl-C or SIGTERM after it had saved; exit code 130. */
export class InterruptedError extends MinigptError {}
