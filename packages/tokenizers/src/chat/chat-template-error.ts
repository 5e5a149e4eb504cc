import { TokenizerError } from '../errors.ts';

/** A chat template does not parse, fails, or refuses the conversation (`raise_exception`: the message is the template's). */
export class ChatTemplateError extends TokenizerError {
  override name = 'ChatTemplateError';
}
