/** @file Models by family and by name. */

export { type ImageModel, type ModelOutput } from "./model.ts";
export { type ModelConfig, createModel, modelNames, modelSchema } from "./registry.ts";
export { type PoolType, type RematPolicy, type VitOptions, vit } from "./vit.ts";
export { VIT_VARIANTS, type VitShape, decodeVariant } from "./vit-variants.ts";
export { type Posemb, sincos2d } from "./posemb.ts";
