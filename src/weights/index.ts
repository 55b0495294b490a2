/** @file Published weights: from files, the hub and packages into a model. */

export { type LoadOptions, type LoadedWeights, describeSpec, loadWeights } from "./load.ts";
export {
  type DescribedModel,
  type Description,
  describeProcessor,
  describeWeights,
} from "./describe.ts";
export { type DescribedTowers, describeTowers } from "./describe-towers.ts";
export { type DescribedTokenizer, describeTokenizer } from "./describe-tokenizer.ts";
export { type PublishedTowers, describePublishedTowers } from "./published-towers.ts";
export { unfitWeights } from "./unfit.ts";
export { type FitOptions, type FittedWeights, fitWeights, readNames } from "./fit.ts";
export { type Checkpoint, checkpointChunks } from "./checkpoint.ts";
