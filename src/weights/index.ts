/** @file Published weights: from files, the hub and packages into a model. */

export { type LoadOptions, type LoadedWeights, describeSpec, loadWeights } from "./load.ts";
export { type DescribedModel, type Description, describeWeights } from "./describe.ts";
export { type FitOptions, type FittedWeights, fitWeights, readNames } from "./fit.ts";
export { type Checkpoint, checkpointChunks } from "./checkpoint.ts";
