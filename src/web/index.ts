/** @file The browser entry: programs run on onnxruntime-web, with WebGPU where there is one, else on WebAssembly. */

import { OrtEngine } from "../engines/ort/engine.ts";
import type { OrtModule } from "../engines/ort/runtime/js-api.ts";
import { type WebRuntimeOptions, createWebRuntime, hasWebGpu } from "../engines/ort/runtime/web.ts";

export { type WebRuntimeOptions, hasWebGpu };
export { type ArrayLike, type DeviceArray, type Engine, evaluate, jit } from "../engines/engine.ts";
export { type Answer, type Ranked, describeAnswer } from "../tasks/answer.ts";
export { type Classifier, loadClassifier } from "./classifier.ts";
export type { LoadOptions } from "./loading.ts";
export { type Towers, loadTowers } from "./towers.ts";
export { type Nearest, meanVector, nearest } from "../served/vectors.ts";
export type { Decoding, PictureInput } from "./decode.ts";
export { type FrozenModel, type TaughtHead, openFrozen } from "./frozen.ts";
export type { Head, NamedHead } from "./taught.ts";
export { type DecodedPicture, picturePixels } from "./picture.ts";
export { type HeadTensors, HEAD_STEPS, classify, makeTeach } from "./head.ts";
export {
  type StepMeasures,
  type TabTraining,
  type TrainingOptions,
  type TrainingPicture,
  openTraining,
} from "./training.ts";
export { type TrainState, makeEvalStep, makeInit, makeTrainStep } from "../train/step.ts";

/**
 * The engine in a browser tab, over the `onnxruntime-web` module that the page has imported.
 *
 * @throws OcelliError "engine" where WebGPU is asked for and the browser offers none
 * @example
 * import * as ort from "onnxruntime-web/webgpu";
 * const engine = await createWebEngine(ort, { threads: navigator.hardwareConcurrency });
 * const step = jit(engine, makeTrainStep(objective, optimizer), { donate: [0] });
 */
export const createWebEngine = async (
  ort: OrtModule,
  options: WebRuntimeOptions,
): Promise<OrtEngine> => new OrtEngine({ runtime: await createWebRuntime(ort, options) });
