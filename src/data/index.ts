/** @file Data: sources of labelled images, their splits, and the order in which training visits them. */

export { type DataConfig, dataChoice } from "./config.ts";
export {
  type SourceDefinition,
  classKeys,
  defineSource,
  filesSchema,
  splitKeys,
} from "./define.ts";
export { type PlainDataConfig, SOURCES } from "./registry.ts";
export { openDataset } from "./datasets.ts";
export { detectData } from "./readers/detect.ts";
export { type SliceRule, type SplitOptions, openSplit } from "./splits/splits.ts";
export {
  DEFAULT_SHARES,
  type SplitBy,
  describeSplits,
  splitByHash,
  splitOf,
} from "./splits/hashed.ts";
export { type Position, type Visit, trainingOrder } from "./stream/order.ts";
export { arraySource } from "./classification/arrays.ts";
export { imagePaths, pathSource } from "./readers/images.ts";
export { mixtureSource } from "./mixture.ts";
export type { Blocks, Dataset, MixturePart, Source } from "./source.ts";
