/** @file Ocelli's public entry: train, predict with and ship vision models. */

export { type ErrorCode, OcelliError } from "./errors.ts";
export { type Config, type ConfigInput, type Recipe, defineConfig } from "./train/config.ts";
export { type RunOptions, type TrainOptions, type TrainResult, train } from "./train/train.ts";
export { resume } from "./train/transfer/resume.ts";
export { type EvalOptions, type EvalResult, evaluateModelOn } from "./train/eval-model.ts";
export {
  type Sweep,
  type SweepInput,
  type SweepResult,
  defineSweep,
  sweep,
} from "./train/sweep.ts";
export {
  type ArmContext,
  type Check,
  type Claim,
  type ClaimInput,
  type ClaimRecipe,
  type ClaimRun,
  type ClaimScale,
  type ClaimValues,
  defineClaim,
} from "./train/claim/define.ts";
export { type ClaimOptions, type ClaimResult, runClaim } from "./train/claim/claim.ts";
export { type Backbone, type BackboneOptions, openBackbone } from "./train/transfer/backbone.ts";
export { type EmbedOptions, type EmbedResult, embedImages } from "./train/transfer/embed.ts";
export { type SeedsResult, transferBySeeds } from "./train/transfer/by-seeds.ts";
export type { TransferMethod, TransferOptions, TransferResult } from "./train/transfer/options.ts";
export { transfer } from "./train/transfer/transfer.ts";
export type { Reporter } from "./train/progress.ts";
export {
  type Predictor,
  type PredictorOptions,
  type Ranked,
  loadPredictor,
} from "./train/predict.ts";
export { type ExplainOptions, type Explained, explain } from "./train/explain/explain.ts";
export { type ExportFormat, type ExportResult, exportModel } from "./train/export.ts";
export { writeReport } from "./runs/report.ts";
export { decodeImageFile } from "./data/decode.ts";
export { type EngineReport, listEngines } from "./engines/select.ts";
