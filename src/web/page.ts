/** @file What the script of an exported folder offers to its page. */

export { describeAnswer } from "../tasks/answer.ts";
export { type Classifier, loadClassifier } from "./classifier.ts";
export type { LoadOptions } from "./loading.ts";
export { type Towers, loadTowers } from "./towers.ts";
export { nearest } from "../served/vectors.ts";
