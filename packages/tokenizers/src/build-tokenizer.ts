import { ByteLevelBpe } from './bpe/byte-level-bpe.ts';
import { CharacterBpe } from './bpe/character-bpe.ts';
import { mergedTokens } from './bpe/merged-tokens.ts';
import { checkSpec } from './check-spec.ts';
import { TokenizerFormatError, UnknownComponentError } from './errors.ts';
import type { Model } from './models/model.ts';
import { AddedTokens } from './pipeline/added-tokens.ts';
import { compileDecoder, type MoreDecoders } from './pipeline/decoder.ts';
import { compileNormalizer, type MoreNormalizers } from './pipeline/normalizer.ts';
import { PipelineTokenizer } from './pipeline/pipeline-tokenizer.ts';
import { compilePostProcessor } from './pipeline/post-processor.ts';
import { compilePreTokenizer, type PreTokenizer, scanned } from './pipeline/pre-tokenizer.ts';
import type { CompilePattern } from './regex/find.ts';
import { findScanner } from './scan/find-scanner.ts';
import { WordEncoder } from './scan/word-encoder.ts';
import type { Tokenizer } from './tokenizer.ts';
import type { PreTokenizerSpec, TokenizerSpec } from './tokenizer-json.ts';

/** What a tokenizer can be made of besides the components of BPE tokenizers. */
export interface MoreComponents {
  /** A model; `byteLevel` says whether the pre-tokenizer lets it work on bytes. */
  readonly model: (spec: TokenizerSpec['model'], byteLevel: boolean) => Model | undefined;
  readonly normalizer: MoreNormalizers;
  readonly decoder: MoreDecoders;
}

/** Checks a specification and puts its components together. @throws TokenizerFormatError, UnknownComponentError, PatternError */
export function buildTokenizer(
  spec: TokenizerSpec,
  compile: CompilePattern,
  more?: MoreComponents,
): Tokenizer {
  checkSpec(spec);
  const byteLevel = isByteLevel(spec);
  const normalizer = spec.normalizer
    ? compileNormalizer(spec.normalizer, compile, more?.normalizer)
    : undefined;
  const model = createModel(spec, byteLevel, more);
  const scanner = byteLevel ? findScanner(spec.pre_tokenizer) : undefined;
  const added = new AddedTokens(spec.added_tokens ?? [], normalizer);
  checkIds(added, model);
  return new PipelineTokenizer({
    spec,
    added,
    normalizer,
    preTokenizer: scanner ? scanned(scanner) : preTokenizer(spec, compile, !byteLevel),
    model,
    words: scanner && model instanceof ByteLevelBpe ? new WordEncoder(scanner, model) : undefined,
    postProcessor: compilePostProcessor(spec.post_processor),
    decoder: compileDecoder(spec.decoder, compile, more?.decoder),
  });
}

function preTokenizer(
  { pre_tokenizer }: TokenizerSpec,
  compile: CompilePattern,
  spells: boolean,
): PreTokenizer | undefined {
  return pre_tokenizer ? compilePreTokenizer(pre_tokenizer, compile, spells) : undefined;
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

function createModel({ model }: TokenizerSpec, byteLevel: boolean, more: MoreComponents | undefined): Model {
  if (model.type === 'BPE')
    return byteLevel ? new ByteLevelBpe(mergedTokens(model)) : new CharacterBpe(model);
  const found = more?.model(model, byteLevel);
  if (found) return found;
  throw new UnknownComponentError('model', model.type, 'there is no model of that name here.');
}
