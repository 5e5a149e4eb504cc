import { selectBackend } from '@minigpt/backends';
import { dispose, MinigptError } from '@minigpt/core';
import { TokenizerError } from '@minigpt/tokenizers';
import { Command } from 'commander';
import pc from 'picocolors';
import { compileOption } from '../compile.ts';
import { createConsole } from '../console.ts';
import { type Answer, Conversation } from '../conversation.ts';
import { UsageError } from '../errors.ts';
import { readLines } from '../line-reader.ts';
import { loadModel, MODEL_NAME } from '../load-model.ts';
import { positiveInteger } from '../parse.ts';
import { addSamplingFlags } from '../sampling-flags.ts';
import { addBackendFlag } from '../settings.ts';

const HELP = `  /reset         forget the conversation
  /system TEXT   say what the model is to be; without TEXT show it
  /help          this list
  /exit          leave; so do Ctrl-D and Ctrl-C twice
  Ctrl-C stops an answer.`;

export const chat = addSamplingFlags(
  addBackendFlag(new Command('chat'))
    .description('Talk with a model that has a chat template.')
    .requiredOption('--model <name>', MODEL_NAME)
    .option('--system <text>', 'what the model is to be')
    .option('--max-new-tokens <n>', 'how long an answer may get', positiveInteger, 512)
    .option('--context <n>', 'tokens of the conversation that the model sees', positiveInteger, 2048),
  { temperature: 0.7 },
)
  .option('--json', 'print one JSON object an answer; the answers themselves go to standard error')
  .addHelpText(
    'after',
    `
Each line of standard input is a question. Lines that begin with / are commands:
${HELP}

Examples:
  minigpt chat --model SmolLM2-135M-Instruct.Q4_1.gguf
  echo "What is the capital of Italy?" | minigpt chat --model out/model --temperature 0 --json`,
  )
  .action(async ({ model: source, json = false, backend, compile: mode, ...options }) => {
    const console = createConsole({ json });
    const interactive = !json && process.stdin.isTTY === true && process.stdout.isTTY === true;
    const { description } = await selectBackend(backend);
    const { model, tokenizer, chatTemplate, endIds } = await loadModel({ model: source }, console);
    if (chatTemplate === undefined) {
      throw new UsageError(
        `To chat, a model needs a chat template, but ${source} has none; let it continue a text with minigpt sample.`,
      );
    }
    const compile = await compileOption(mode);
    const conversation = new Conversation({ model, tokenizer, chatTemplate, endIds, compile, ...options });
    const lines = readLines({ interactive, hint: pc.dim('Ctrl-C again, or Ctrl-D, leaves.') });
    if (interactive) console.say(pc.dim(`${source} on ${description}. /help lists the commands.`));
    try {
      for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
        const text = line.trim();
        if (text === '') continue;
        if (text === '/exit') break;
        try {
          if (text.startsWith('/')) {
            const reply = command(text, conversation);
            if (interactive) console.say(pc.dim(reply));
            continue;
          }
          const answer = await lines.interruptibly((signal) =>
            conversation.ask(text, (piece) => console.stream(piece), signal),
          );
          console.stream('\n');
          console.emit(answer);
          if (interactive) console.say(pc.dim(note(answer)));
        } catch (error) {
          if (!interactive || !(error instanceof MinigptError || error instanceof TokenizerError))
            throw error;
          console.say(pc.red(error.message));
        }
      }
    } finally {
      lines.close();
      conversation.dispose();
      dispose(model);
    }
  });

/** Does what a line that begins with / says. @returns what to tell a person */
function command(line: string, conversation: Conversation): string {
  const [, name, text] = /^\/(\S*)\s*(.*)$/s.exec(line) as RegExpExecArray;
  switch (name) {
    case 'reset':
      conversation.reset();
      return 'The conversation begins anew.';
    case 'system':
      if (text !== '') conversation.system = text;
      return conversation.system ?? 'There is no system message but what the template says.';
    case 'help':
      return HELP;
    default:
      throw new UsageError(`/${name} is no command; /help lists them.`);
  }
}

/** How fast the answer came, and what is to be known about it. */
function note({ tokens, seconds, secondsToFirst, finishReason, forgotten }: Answer): string {
  const speed =
    tokens > 1 ? `, ${((tokens - 1) / (seconds - secondsToFirst)).toFixed(1)} tokens a second` : '';
  const notes = [
    `(${tokens} tokens${speed}, the first after ${secondsToFirst.toFixed(1)} s)`,
    ...(finishReason === 'length'
      ? ['The answer is cut off: it may be longer with --max-new-tokens or --context.']
      : []),
    ...(finishReason === 'interrupted' ? ['Stopped.'] : []),
    ...(forgotten > 0 ? ['The first turns are out of sight: the conversation has outgrown --context.'] : []),
  ];
  return notes.join('\n');
}
