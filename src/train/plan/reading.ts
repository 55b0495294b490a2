/** @file What an evaluation of a training computes: the model, or the objective with all that it owns. */

import { COUNTS, type Evaluator, OBJECTIVE } from "../../evaluate/index.ts";
import { type Spec, type Tensor, randomKey, scalar, specOf, trace } from "../../graph/index.ts";
import type { Params } from "../../nn/index.ts";
import type { Batch, BatchSpec, Objective } from "../../objectives/index.ts";
import { type ModelTensors, outputsOf } from "../../served/outputs.ts";
import type { Outputs, Task, TaskModel } from "../../tasks/index.ts";
import { type Tree, fromFlat } from "../../tree.ts";
import { type EvaluatedState, evaluateObjective } from "../step.ts";

/** What an evaluator's head reads of a batch. */
export interface Reading {
  /**
   * Whether it is the objective: then from all of its parameters and variables, with the state's `key` and `step`; else
   * from the model's own.
   */
  readonly ofObjective: boolean;
  readonly outputs: (arrays: Tree<Tensor>, batch: Batch) => Outputs;
  readonly task: Pick<Task, "heads" | "main">;
}

/** What an evaluation computes of its batches, by the head of its evaluator. */
export function readingOf(
  { evaluator, net }: { readonly evaluator: Evaluator; readonly net: TaskModel },
  task: Pick<Task, "heads" | "main">,
  objective: Objective,
): Reading {
  if (evaluator.head !== OBJECTIVE) {
    return {
      ofObjective: false,
      outputs: (arrays, batch) => outputsOf(net, arrays as unknown as ModelTensors, batch),
      task,
    };
  }
  return {
    ofObjective: true,
    outputs(arrays, batch) {
      const state = arrays as unknown as EvaluatedState;
      const { loss, metrics, counts = {} } = evaluateObjective(objective, state, batch);
      const counted = Object.entries(counts).map(([name, count]) => [COUNTS + name, count]);
      return { output: loss, out: { ...metrics, ...Object.fromEntries(counted) } };
    },
    task: { heads: { [OBJECTIVE]: ({ output }) => output }, main: OBJECTIVE },
  };
}

/** The specs of what an objective is evaluated from, for batches of a spec. */
export function objectiveSpecs(objective: Objective, batch: BatchSpec): Tree<Spec> {
  const start = (given?: Params) => {
    const key = randomKey(0);
    return { ...objective.init(key, batch, given), key, step: scalar(0, "int32") };
  };
  const { program, outputNames } = objective.given
    ? trace(start, objective.given)
    : trace(() => start());
  const specs = outputNames.map((name, i) => [name, specOf(program.outputs[i])] as const);
  return { params: {}, variables: {}, ...fromFlat<Spec>(Object.fromEntries(specs)) };
}
