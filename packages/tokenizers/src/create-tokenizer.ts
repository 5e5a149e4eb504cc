import { ByteLevelBpe } from './bpe/byte-level-bpe.ts';
import { CharacterBpe } from './bpe/character-bpe.ts';
import { checkSpec } from './check-spec.ts';
import { TokenizerFormatError, UnknownComponentError } from './errors.ts';
import type { Model } from './models/model.ts';
import { Unigram } from './models/unigram.ts';
import { WordLevel } from './models/word-level.ts';
import { WordPiece } from './models/word-piece.ts';
import { AddedTokens } from './pipeline/added-tokens.ts';
import { compileDecoder } from './pipeline/decoder.ts';
import { compileNormalizer } from './pipeline/normalizer.ts';
import { PipelineTokenizer } from './pipeline/pipeline-tokenizer.ts';
import { compilePostProcessor } from './pipeline/post-processor.ts';
import { compilePreTokenizer } from './pipeline/pre-tokenizer.ts';
import { findScanner } from './scan/find-scanner.ts';
import { WordEncoder } from './scan/word-encoder.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { PreTokenizerSpec, TokenizerSpec } from './tokenizer-json.ts';

/**
 * Builds a tokenizer from its specification, and checks it.
 *
 * @throws TokenizerFormatError where it contradicts itself, UnknownComponentError, PatternError
 */
export function createTokenizer(spec: TokenizerSpec): Tokenizer {
  checkSpec(spec);
  const byteLevel = isByteLevel(spec);
  const normalizer = spec.normalizer ? compileNormalizer(spec.normalizer) : undefined;
  const model = createModel(spec, byteLevel);
  const scanner = byteLevel ? findScanner(spec.pre_tokenizer) : undefined;
  const added = new AddedTokens(spec.added_tokens ?? [], normalizer);
  checkIds(added, model);
  return new PipelineTokenizer({
    spec,
    added,
    normalizer,
    preTokenizer: spec.pre_tokenizer ? compilePreTokenizer(spec.pre_tokenizer, !byteLevel) : undefined,
    model,
    words: scanner && model instanceof ByteLevelBpe ? new WordEncoder(scanner, model) : undefined,
    postProcessor: compilePostProcessor(spec.post_processor),
    decoder: compileDecoder(spec.decoder),
  });
}

/** An added token either is the model's token of that id, or has an id that the model does not use. */
function checkIds(added: AddedTokens, model: Model): void {
  for (const [id, { content }] of added.byId) {
    const other = id < model.size ? model.vocabulary.tokens[id] : undefined;
    if (other !== undefined && other !== content) {
      throw new TokenizerFormatError(
        'tokenizer.json',
        `the added token ${JSON.stringify(content)} has the id ${id}, which is ${JSON.stringify(other)} in the model.`,
      );
    }
  }
}

/** Whether the model can work on bytes, and leave the spelling of bytes as characters to the vocabulary. */
function isByteLevel({ model, pre_tokenizer }: TokenizerSpec): boolean {
  if (!endsInByteLevel(pre_tokenizer)) return false;
  if (model.type === 'RankedBPE') return true;
  return (
    model.type === 'BPE' &&
    !model.continuing_subword_prefix &&
    !model.end_of_word_suffix &&
    !model.byte_fallback
  );
}

function endsInByteLevel(spec: PreTokenizerSpec | null | undefined): boolean {
  return spec?.type === 'Sequence' ? endsInByteLevel(spec.pretokenizers?.at(-1)) : spec?.type === 'ByteLevel';
}

function createModel({ model }: TokenizerSpec, byteLevel: boolean): Model {
  switch (model.type) {
    case 'BPE':
      return byteLevel ? new ByteLevelBpe(model) : new CharacterBpe(model);
    case 'RankedBPE':
      if (!byteLevel) {
        throw new TokenizerFormatError(
          'list of ranked tokens',
          'the pre-tokenizer does not end in ByteLevel.',
        );
      }
      return new ByteLevelBpe(model);
    case 'Unigram':
      return new Unigram(model);
    case 'WordPiece':
      return new WordPiece(model);
    case 'WordLevel':
      return new WordLevel(model);
    default: {
      const unknown: { type?: unknown } = model;
      if (typeof unknown.type !== 'string')
        throw new TokenizerFormatError('tokenizer.json', 'the model has no type.');
      throw new UnknownComponentError(
        'model',
        unknown.type,
        'it is one of BPE, Unigram, WordPiece, WordLevel.',
      );
    }
  }
}
