import { TokenizerFormatError, UnknownComponentError } from '../errors.ts';
import { checkId } from '../models/vocabulary.ts';
import type { PostProcessorSpec, TemplatePiece } from '../tokenizer-json.ts';
import { BYTE_TO_CHARACTER } from './byte-alphabet.ts';
import { WHITE_SPACE } from './unicode.ts';

/** One place of a template: a text's tokens, or tokens that are added. */
export type Place =
  | { readonly sequence: 'A' | 'B'; readonly typeId: number }
  | { readonly ids: readonly number[]; readonly tokens: readonly string[]; readonly typeId: number };

/** Gives a token's offsets without the spaces that the token begins and ends with. */
type TrimOffsets = (token: string, start: number, end: number, isFirst: boolean) => readonly [number, number];

export interface PostProcessor {
  readonly single: readonly Place[];
  readonly pair: readonly Place[];
  readonly trimOffsets: TrimOffsets | undefined;
}

const A: Place = { sequence: 'A', typeId: 0 };
const NOTHING: PostProcessor = {
  single: [A],
  pair: [A, { sequence: 'B', typeId: 1 }],
  trimOffsets: undefined,
};

/** @throws UnknownComponentError, TokenizerFormatError */
export function compilePostProcessor(spec: PostProcessorSpec | null | undefined): PostProcessor {
  if (!spec) return NOTHING;
  switch (spec.type) {
    case 'ByteLevel':
      return { ...NOTHING, trimOffsets: trimmer(spec.trim_offsets ?? true, spec.add_prefix_space ?? true) };
    case 'TemplateProcessing': {
      const place = (piece: TemplatePiece): Place => {
        if (piece && 'Sequence' in piece && (piece.Sequence?.id === 'A' || piece.Sequence?.id === 'B')) {
          return { sequence: piece.Sequence.id, typeId: piece.Sequence.type_id };
        }
        const added = piece && 'SpecialToken' in piece ? piece.SpecialToken : undefined;
        const token = added && spec.special_tokens[added.id];
        if (!token || !Array.isArray(token.ids) || !Array.isArray(token.tokens)) {
          throw new TokenizerFormatError(
            'tokenizer.json',
            `the template has ${JSON.stringify(piece)}, which is no sequence, nor a token that special_tokens defines.`,
          );
        }
        for (const id of token.ids) checkId(id, added.id);
        return { ids: token.ids, tokens: token.tokens, typeId: added.type_id };
      };
      return { single: spec.single.map(place), pair: spec.pair.map(place), trimOffsets: undefined };
    }
    case 'BertProcessing': {
      const cls = added(spec.cls, 0);
      return {
        single: [cls, A, added(spec.sep, 0)],
        pair: [cls, A, added(spec.sep, 0), { sequence: 'B', typeId: 1 }, added(spec.sep, 1)],
        trimOffsets: undefined,
      };
    }
    case 'RobertaProcessing': {
      const [cls, sep] = [added(spec.cls, 0), added(spec.sep, 0)];
      return {
        single: [cls, A, sep],
        pair: [cls, A, sep, sep, { sequence: 'B', typeId: 0 }, sep],
        trimOffsets: trimmer(spec.trim_offsets ?? true, spec.add_prefix_space ?? true),
      };
    }
    case 'Sequence': {
      const steps = spec.processors.map(compilePostProcessor);
      const templates = steps.filter((step) => step.single !== NOTHING.single);
      if (templates.length > 1) {
        throw new UnknownComponentError(
          'post_processor',
          'Sequence of several templates',
          'only one may add tokens.',
        );
      }
      const trimOffsets = steps.find((step) => step.trimOffsets)?.trimOffsets;
      return { ...(templates[0] ?? NOTHING), trimOffsets };
    }
    default: {
      const unknown: { type: string } = spec;
      throw new UnknownComponentError(
        'post_processor',
        unknown.type,
        'this package has no post-processor of that name.',
      );
    }
  }
}

function added([token, id]: readonly [string, number], typeId: number): Place {
  return { ids: [id], tokens: [token], typeId };
}

const SPACE = `[${BYTE_TO_CHARACTER[0x20]}${WHITE_SPACE}]`;
const LEADING = new RegExp(`^${SPACE}+`, 'v');
const TRAILING = new RegExp(`${SPACE}+$`, 'v');

function trimmer(trims: boolean, addPrefixSpace: boolean): TrimOffsets | undefined {
  if (!trims) return undefined;
  return (token, start, end, isFirst) => {
    const spaces = LEADING.exec(token)?.[0].length ?? 0;
    // A single space at the very beginning may be the one that the pre-tokenizer added.
    const leading = spaces === 1 && addPrefixSpace && (isFirst || start === 0) ? 0 : spaces;
    const trailing = TRAILING.exec(token)?.[0].length ?? 0;
    const from = Math.min(start + leading, end);
    return [from, end >= trailing ? Math.max(end - trailing, from) : end];
  };
}
