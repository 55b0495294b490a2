/** @file Transfer by nearest neighbours: an accuracy, and no model. */

import type { DataProblems } from "../../data/problems.ts";
import type { Engine } from "../../engines/engine.ts";
import { knn } from "../../evaluate/index.ts";
import { hostArray } from "../../graph/index.ts";
import type { SourceFeatures } from "./features.ts";
import type { Labelled } from "./heads.ts";
import { parametersOf } from "./leave.ts";
import type { TransferResult, TransferTask } from "./options.ts";

/** What a transfer by neighbours has found out. */
interface Seen {
  readonly known: SourceFeatures;
  readonly asked: SourceFeatures;
  readonly problems: DataProblems;
  readonly seconds: () => number;
}

/** The accuracy of the nearest 20 and of the nearest neighbour. */
export function neighbours(
  { method, model, classes, held, backbone }: TransferTask,
  engine: Engine,
  { known, asked, problems, seconds }: Seen,
): TransferResult {
  const named = knn(asArrays(known), asArrays(asked), { numClasses: classes.length });
  const values = Object.fromEntries(named);
  return {
    accuracy: values.knn20,
    evals: { [held]: values },
    ...{ method, model, classes, engine: engine.name },
    perClass: [],
    trainImages: known.labels.length,
    testImages: asked.labels.length,
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
