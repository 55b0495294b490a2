/** @file Layers: parameters by scope, initialisers, and the functions that use them. */

export { type LayerBody, type Scope, type Variable, layer } from "./scope.ts";
export {
  type ModelSpecs,
  type Params,
  countParameters,
  initialise,
  modelSpecs,
} from "./initialise.ts";
export { type ApplyOptions, apply, rematLayer } from "./apply.ts";
export * from "./initialisers.ts";
export { type DenseOptions, dense } from "./dense.ts";
export { type LoraOptions, LORA_TARGETS, isAdapter, mergeLora, withLora } from "./lora.ts";
export {
  type ConvLayerOptions,
  conv,
  patchEmbedding,
  patches,
  standardiseByDeviation,
  standardiseByVariance,
} from "./conv.ts";
export {
  type BatchNormOptions,
  type GroupNormOptions,
  type LayerNormOptions,
  type NormName,
  NORM_NAMES,
  batchNorm,
  groupNorm,
  layerNorm,
  normalisation,
  rmsNorm,
} from "./norm.ts";
export {
  type Attended,
  type AttentionOptions,
  type KeysAndValues,
  attend,
  attendKept,
  causalMask,
  keysAndValues,
  multiHeadAttention,
} from "./attention.ts";
export { dropPath, dropout, stochasticDepth } from "./dropout.ts";
export { type MlpOptions, mlpBlock, swiGluBlock } from "./mlp.ts";
export { type MapHeadOptions, type MaxPoolOptions, mapHead, maxPool } from "./pool.ts";
export { relu } from "./relu.ts";
export { type EmbedOptions, embed, embeddingTable } from "./embedding.ts";
