/**
 * Exercise 2: the question without its form.
 *
 *   npx tsx --tsconfig tsconfig.json examples/recipes/anatomy/exercises/2-template.ts [MODEL]
 *
 * The weights are the same, and yet SmolLM2 has nothing to say to the bare question, or to one in Mistral's form, whose marks
 * it never learnt and reads as letters: the likeliest next token is the end. Where that is forbidden for a while, it writes what
 * stands near such a text somewhere in the training data. The assistant is in the template as much as in the weights.
 */
import { ChatTemplate } from '@minigpt/tokenizers';
import { QUESTION, said, subject } from './common.ts';

const asked = await subject(process.argv[2]);
const question = [{ role: 'user', content: QUESTION }];
const mistral = ChatTemplate.named('mistral', { bos_token: '' });
const encode = (text: string) => asked.tokenizer.encode(text, { allowedSpecial: 'all' });

for (const [form, ids] of Object.entries({
  'its own template': asked.promptIds,
  'no template': encode(QUESTION),
  "Mistral's template": encode(mistral.render(question)),
})) {
  const notYet = { temperature: 0, minLength: ids.length + 10 };
  console.log(`${form}: ${await said(asked, ids)}, and if it must go on: ${await said(asked, ids, notYet)}`);
}
