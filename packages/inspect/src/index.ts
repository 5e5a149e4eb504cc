export {
  type ActivationPatchingOptions,
  activationPatching,
  logitDifference,
  logProbability,
  type PatchingMetric,
  type PatchingResult,
  type PatchingSite,
} from './activation-patching.ts';
export { type LayerPaths, layerPaths } from './anatomy.ts';
export { type AttentionMaps, attentionMaps } from './attention-maps.ts';
export {
  type DirectLogitAttributionOptions,
  directLogitAttribution,
  type LogitAttribution,
  type LogitContribution,
} from './direct-logit-attribution.ts';
export { zeroHeads } from './edits.ts';
export { InspectionError, NotATransformerError, UnknownPathError } from './errors.ts';
export {
  duplicateTokenScore,
  type HeadScores,
  type HeadScoresOptions,
  headScores,
  inductionScore,
  previousTokenScore,
} from './head-scores.ts';
export { attentionHtml } from './html/attention-html.ts';
export { attributionHtml } from './html/attribution-html.ts';
export { headScoresHtml } from './html/head-scores-html.ts';
export { logitLensHtml } from './html/logit-lens-html.ts';
export type { PageOptions, PredictionPageOptions, TextPageOptions } from './html/page.ts';
export { patchingHtml } from './html/patching-html.ts';
export { tokenLossesHtml } from './html/token-losses-html.ts';
export { type LayerNode, layerTree, treeLines } from './layer-tree.ts';
export { type LensLayer, type LogitLensOptions, logitLens } from './logit-lens.ts';
export { type Edit, type Edits, editing, patch } from './patch.ts';
export { activationPaths } from './paths.ts';
export type { Prediction, RankedToken } from './prediction.ts';
export { type Recording, record, tap } from './tap.ts';
export type { TokenIds } from './token-ids.ts';
export { type TokenLoss, type TokenLossesOptions, tokenLosses } from './token-losses.ts';
