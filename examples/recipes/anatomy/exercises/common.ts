import { selectBackend } from '@minigpt/backends';
import { loadPretrained, openPath, type PretrainedModel } from '@minigpt/checkpoints/node';
import { generateText } from '@minigpt/sampling';
import type { Tokenizer } from '@minigpt/tokenizers';
import { findModel } from '../find-model.ts';

export interface Subject extends PretrainedModel {
  readonly tokenizer: Tokenizer;
  /** The question in the model's template, or the beginning of a text where it has none. */
  readonly promptIds: readonly number[];
}

export const QUESTION = 'What is the capital of Italy?';

/** The recipe's model: the one that is named, else what this machine has. */
export async function subject(name: string | undefined): Promise<Subject> {
  await selectBackend();
  const pretrained =
    name === undefined ? (await findModel({ small: false }))?.pretrained : await openPath(name);
  if (pretrained === undefined) {
    throw new Error(
      'No model is on this machine: name one, such as out/recipes/anatomy/model, or get one by pnpm fetch:smollm2.',
    );
  }
  const { chatTemplate, tokenizer, ...loaded } = await loadPretrained(pretrained);
  await pretrained.weights.close();
  if (tokenizer === undefined) throw new Error(`${name} comes without a tokenizer; name another model.`);
  const promptIds =
    chatTemplate === undefined
      ? tokenizer.encode('Once upon a time', { addSpecialTokens: true })
      : chatTemplate.encode(tokenizer, [{ role: 'user', content: QUESTION }], { addGenerationPrompt: true })
          .ids;
  return { ...loaded, chatTemplate, tokenizer, promptIds };
}

/** What the model says to some ids, each token the likeliest unless told. */
export async function said(
  { model, tokenizer, endIds }: Subject,
  ids: readonly number[],
  options: Parameters<typeof generateText>[3] = { temperature: 0 },
): Promise<string> {
  let text = '';
  for await (const piece of generateText(model, tokenizer, ids, { maxNewTokens: 24, endIds, ...options }))
    text += piece.text;
  return JSON.stringify(text);
}
