/** @file Tasks: what a picture can become. */

export type { Head, Outputs } from "../models/index.ts";
export { type Answer, type Ranked, areasOf, describeAnswer } from "./answer.ts";
export { type ShownAnswer, answerJson, limitAnswer } from "./answer-json.ts";
export type { Colour } from "../preprocess/alpha.ts";
export { classColour, colourMap, hexColour } from "./map-colours.ts";
export { rank } from "./classification.ts";
export { contrastiveTask } from "./contrastive.ts";
export { TASKS, type TaskConfig, taskDefinition, taskOf } from "./registry.ts";
export {
  type Headline,
  type Recorder,
  type Rows,
  type Show,
  type Task,
  type TaskData,
  type TaskDefinition,
  type WholeModel,
  defineTask,
} from "./task.ts";
export { type TaskModel, inputSpecs, wholeModel } from "./whole-model.ts";
export { type TokenizerChoice, tokenizerKey, tokenizerOf } from "./tokenizer-key.ts";
