/** @file Transfer by nearest neighbours: an accuracy, and no model. */

import type { DataProblems } from "../../data/problems.ts";
import type { Engine } from "../../engines/engine.ts";
import { knn } from "../../evaluate/index.ts";
import { hostArray } from "../../graph/index.ts";
import type { SourceFeatures } from "../features.ts";
import type { Labelled } from "./labelled.ts";
import { divide, foldsOf } from "./select.ts";
import { parametersOf } from "./leave.ts";
import type { TransferResult, TransferTask } from "./options.ts";

/** What a transfer by neighbours has found out. */
interface Seen {
  readonly known: SourceFeatures;
  /** Undefined where `known` judges itself by cross-validation. */
  readonly asked: SourceFeatures | undefined;
  readonly problems: DataProblems;
  readonly seconds: () => number;
}

/** The accuracy of the nearest 20 and of the nearest neighbour. */
export function neighbours(
  { method, model, classes, held, backbone }: TransferTask,
  engine: Engine,
  { known, asked, problems, seconds }: Seen,
): TransferResult {
  const parts = asked
    ? [{ fit: known, judge: asked }]
    : foldsOf(known).map((held) => divide(known, held));
  const testImages = parts.reduce((sum, { judge }) => sum + judge.labels.length, 0);
  const values: Record<string, number> = {};
  for (const { fit, judge } of parts) {
    const options = { numClasses: classes.length };
    for (const [name, accuracy] of knn(asArrays(fit), asArrays(judge), options)) {
      values[name] = (values[name] ?? 0) + accuracy * (judge.labels.length / testImages);
    }
  }
  return {
    accuracy: values.knn20,
    evals: { [held]: values },
    ...{ method, model, classes, engine: engine.name },
    perClass: [],
    trainImages: known.labels.length,
    testImages,
    steps: 0,
    seconds: seconds(),
    parameters: parametersOf(backbone),
    problems: problems.toJSON().examples,
    interrupted: false,
  };
}

const asArrays = ({ features, labels }: Labelled) => ({
  features,
  labels: hostArray([labels.length], "int32", Int32Array.from(labels)),
});
