/** @file Ocelli's public entry: train, predict with and ship vision models. */

export { type ErrorCode, OcelliError } from "./errors.ts";
export type { Config, ConfigInput, Recipe } from "./config/config.ts";
export { defineConfig } from "./config/define-config.ts";
export { type ConfigWith, type Definition, use } from "./config/use.ts";
export { type RunOptions, type TrainOptions, type TrainResult, train } from "./train/train.ts";
export { resume } from "./transfer/resume.ts";
export { type EvalOptions, type EvalResult, evaluateModelOn } from "./served/evaluate.ts";
export {
  type Sweep,
  type SweepInput,
  type SweepResult,
  defineSweep,
  sweep,
} from "./sweep/sweep.ts";
export {
  type ArmContext,
  type Check,
  type Claim,
  type ClaimInput,
  type ClaimProbe,
  type ClaimRecipe,
  type ClaimRun,
  type ClaimScale,
  type ClaimValues,
  defineClaim,
} from "./claim/define.ts";
export { type ClaimResult } from "./claim/result.ts";
export { type ClaimOptions, runClaim } from "./claim/claim.ts";
export { type Backbone, openBackbone } from "./transfer/backbone.ts";
export type { PublishedOptions } from "./served/published.ts";
export { type EmbedOptions, type EmbedResult, embedImages } from "./transfer/embed.ts";
export { type SeedsResult, transferBySeeds } from "./transfer/classification/by-seeds.ts";
export type {
  TransferMethod,
  TransferOptions,
  TransferResult,
} from "./transfer/classification/options.ts";
export {
  type ProbeOptions,
  type ProbedModel,
  probeModels,
} from "./transfer/classification/compare.ts";
export type { PretrainMethod } from "./pretrain/choose.ts";
export { type PretrainOptions, type PretrainResult, pretrain } from "./pretrain/pretrain.ts";
export { transfer } from "./transfer/classification/transfer.ts";
export type { Reporter } from "./train/watch/progress.ts";
export type { ServedModel } from "./served/model.ts";
export { type OpenModelOptions, openModel } from "./served/open.ts";
export {
  type Prediction,
  type Predictor,
  type PredictorOptions,
  loadPredictor,
} from "./served/predict.ts";
export { type ZeroShotOptions, loadZeroShot } from "./served/classification/zero-shot.ts";
export { type IndexOptions, type IndexResult, indexFolder } from "./search/build.ts";
export {
  type Hit,
  type Query,
  type SearchOptions,
  type Searcher,
  openSearch,
} from "./search/search.ts";
export { type LabelOptions, type LabelServer, serveLabels } from "./label/server.ts";
export { type DeepFacts, type DeepOptions, deepSurvey } from "./survey/deep/deep.ts";
export { type Answer, type Ranked, describeAnswer } from "./tasks/index.ts";
export {
  type Explained,
  type Explainer,
  type ExplainerOptions,
  type Explanation,
  type ExplainOptions,
  explain,
  openExplainer,
} from "./explain/explain.ts";
export {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportModel,
} from "./served/exporting/export.ts";
export {
  type WebExportOptions,
  type WebExportResult,
  exportForWeb,
} from "./served/exporting/web-folder.ts";
export { copyWebEngine } from "./served/exporting/web-page.ts";
export type { Drift, DriftReport } from "./served/exporting/drift.ts";
export { writeReport } from "./runs/report.ts";
export { type DecodeOptions, decodeImage, decodeImageFile } from "./data/decode/decode.ts";
export { type EngineReport, listEngines } from "./engines/select.ts";
export { type PushOptions, type PushResult, pushModel } from "./push/push.ts";
export { type ServeOptions, type ServedAddress, serveModel } from "./serve/server.ts";
export type { Limits } from "./serve/limits.ts";
