/** @file What the script of an exported folder offers to its page. */

export { describeAnswer } from "../tasks/answer.ts";
export { type Classifier, type LoadOptions, loadClassifier } from "./classifier.ts";
