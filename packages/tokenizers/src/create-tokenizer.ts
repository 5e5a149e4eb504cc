import { ByteLevelBpe } from './bpe/byte-level-bpe.ts';
import { rankedTokens } from './bpe/ranked-tokens.ts';
import { buildTokenizer, type MoreComponents } from './build-tokenizer.ts';
import { TokenizerFormatError } from './errors.ts';
import { Unigram } from './models/unigram.ts';
import { WordLevel } from './models/word-level.ts';
import { WordPiece } from './models/word-piece.ts';
import { moreDecoders } from './pipeline/more-decoders.ts';
import { moreNormalizers } from './pipeline/more-normalizers.ts';
import { compilePattern } from './regex/pattern.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { TokenizerSpec } from './tokenizer-json.ts';

/**
 * Builds a tokenizer from its specification, and checks it. Where every byte of a bundle counts and the model is BPE,
 * `createBpeTokenizer` from `@minigpt/tokenizers/bpe` does the same with fewer components.
 *
 * @throws TokenizerFormatError where it contradicts itself, UnknownComponentError, PatternError
 */
export function createTokenizer(spec: TokenizerSpec): Tokenizer {
  return buildTokenizer(spec, compilePattern, EVERYTHING);
}

const EVERYTHING: MoreComponents = {
  normalizer: moreNormalizers,
  decoder: moreDecoders,
  model(model, byteLevel) {
    switch (model.type) {
      case 'RankedBPE':
        if (byteLevel) return new ByteLevelBpe(rankedTokens(model));
        throw new TokenizerFormatError(
          'list of ranked tokens',
          'the pre-tokenizer does not end in ByteLevel.',
        );
      case 'Unigram':
        return new Unigram(model);
      case 'WordPiece':
        return new WordPiece(model);
      case 'WordLevel':
        return new WordLevel(model);
      default:
        return undefined;
    }
  },
};
