/** @file Models by family and by name. */

export {
  type FieldArrays,
  type FieldModel,
  type Head,
  type ImageCall,
  type ImageModel,
  type ModelOutput,
  type Outputs,
} from "./model.ts";
export type { ModelCard, TaskChoice } from "./card.ts";
export {
  type FieldsDefinition,
  type MakeFieldModel,
  type MakeModel,
  type ModelDefinition,
  type ModelOptions,
  defineFieldModel,
  defineModel,
} from "./define.ts";
export {
  MODELS,
  type ModelChoice,
  type ModelConfig,
  type ModelKeys,
  type Generator,
  createFieldModel,
  createGenerator,
  createModel,
  fieldsTaken,
  modelChoice,
  modelDefinition,
  modelTakes,
  positionGrid,
} from "./registry.ts";
export { type FlexiOptions, drawnSizes } from "./flexi.ts";
export { type PoolType, type RematPolicy, type VitOptions, settleVit } from "./vit-options.ts";
export { vit } from "./vit.ts";
export {
  type DecoderOptions,
  type RandomMask,
  keptOf,
  maskByNoise,
  maskedDecoder,
} from "./masked-autoencoder.ts";
export { MASK_TOKEN } from "./vit-tokens.ts";
export { type BeitOptions, beit } from "./beit.ts";
export { VIT_VARIANTS, type VitShape, decodeVariant } from "./vit-variants.ts";
export { type Posemb, resamplePosemb, sincos2d } from "./posemb.ts";
export {
  type FlexibleModel,
  type FlexivitOptions,
  flexivit,
  patchSizeOf,
  resamplePatchKernel,
  resizePatchKernel,
  resizePositions,
} from "./flexivit.ts";
export { MIXER_VARIANTS, type MlpMixerOptions, mlpMixer } from "./mlp-mixer.ts";
export { type BitOptions } from "./bit-options.ts";
export { bit } from "./bit.ts";
export { bitPaper } from "./bit-paper.ts";
export { type EfficientnetLiteOptions, efficientnetLite } from "./efficientnet-lite.ts";
export { type ResnetOptions, resnet } from "./resnet.ts";
export { type SegmenterOptions, segmenter } from "./segmenter.ts";
export { type TextTransformerOptions, textTransformer } from "./text-transformer.ts";
export { type NaflexVitOptions, naflexVit } from "./naflex-vit.ts";
export { type TwoTowersOptions, pairLogits, twoTowers } from "./two-towers.ts";
export { type CappaOptions, cappa, shiftRight } from "./cappa.ts";
export { CONVNEXT_VARIANTS, type ConvnextOptions, convnext } from "./convnext.ts";
export {
  type GenerationOptions,
  type TextMarks,
  type Writer,
  type WriterStep,
  checkGeneration,
  generationKeys,
  isSampled,
} from "./generation/index.ts";
