import { type DecoderStage, type MoreDecoders, perToken } from './decoder.ts';

/** The decoders of BERT, CLIP, wav2vec and their relatives. */
export const moreDecoders: MoreDecoders = (spec) => {
  switch (spec.type) {
    case 'WordPiece': {
      const { prefix = '##', cleanup = true } = spec;
      const clean = cleanup ? cleanUp : (text: string) => text;
      const join = (token: string) => (token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
      return {
        start: () => perToken((token, isFirst) => clean(isFirst ? token : join(token))),
        inside: (token) => (token.startsWith(prefix) ? token.slice(prefix.length) : token),
      };
    }
    case 'BPEDecoder': {
      const { suffix = '</w>' } = spec;
      return { start: () => suffixStage(suffix), inside: (token) => token.replaceAll(suffix, ' ') };
    }
    case 'CTC': {
      const { pad_token = '<pad>', word_delimiter_token = '|', cleanup = true } = spec;
      const clean = (token: string) => {
        const text = token.replaceAll(pad_token, '');
        return cleanup ? cleanUp(text).replaceAll(word_delimiter_token, ' ') : text;
      };
      return { start: () => ctcStage(clean), inside: clean };
    }
    default:
      return undefined;
  }
};

/** `transformers`' clean-up of spaces before punctuation, on one token. */
function cleanUp(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

/** The suffix ends a word: a space, but at the end of all nothing. So the last token waits. */
function suffixStage(suffix: string): DecoderStage {
  let held: string | undefined;
  return {
    push(token, next) {
      if (held !== undefined) next(held.replaceAll(suffix, ' '));
      held = token;
    },
    flush(next) {
      if (held !== undefined) next(held.replaceAll(suffix, ''));
      held = undefined;
    },
  };
}

function ctcStage(clean: (token: string) => string): DecoderStage {
  let previous: string | undefined;
  return {
    push(token, next) {
      if (token !== previous) {
        const text = clean(token);
        if (text !== '') next(text);
      }
      previous = token;
    },
    flush: () => {},
  };
}
