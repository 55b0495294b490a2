/** @file Optimisers: gradient transformations, schedules, rules by parameter name, and their configuration. */

export {
  type Named,
  type Scalar,
  type Transform,
  type UpdateContext,
  type Updates,
  asUpdates,
  chain,
  mapNamed,
  sgd,
} from "./transform.ts";
export { type AdamOptions, scaleByAdam } from "./adam.ts";
export { type AdafactorOptions, scaleByAdafactor } from "./adafactor.ts";
export { type LionOptions, scaleByLion } from "./lion.ts";
export { type MomentumOptions, ema, trace } from "./momentum.ts";
export { averageParameters } from "./average.ts";
export { clipByBlockRms, clipByGlobalNorm, globalNorm } from "./clip.ts";
export {
  type LossScale,
  type LossScaling,
  firstLossScale,
  lossScaleSchema,
  mayOverflow,
  nextLossScale,
} from "./loss-scale.ts";
export { type GsamOptions, type SecondGradient, gsam } from "./gsam.ts";
export { type Duration, type DurationContext, durationSchema, toSteps } from "./durations.ts";
export {
  type Schedule,
  type ScheduleConfig,
  type TrainingLength,
  makeSchedule,
  scheduleSchema,
} from "./schedules.ts";
export { type Rule, compileRules, layerNames, stackOf } from "./rules.ts";
export { type OptimizerDefinition, type OptimizerKeys, defineOptimizer } from "./define.ts";
export {
  OPTIMIZERS,
  type OptimizerConfig,
  optimizerChoice,
  optimizerDefinition,
} from "./registry.ts";
export { type Optimizer, type OptimizerState, makeOptimizer } from "./optimizer.ts";
export { layerDecay } from "./layer-decay.ts";
