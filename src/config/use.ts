/** @file Definitions that a user adds to those that come with Ocelli. */

import { addDefinition } from "../define.ts";
import { EVALUATORS, type EvaluatorDefinition } from "../evaluate/index.ts";
import { MODELS, type ModelDefinition } from "../models/index.ts";
import { OBJECTIVES, type ObjectiveDefinition } from "../objectives/index.ts";
import { TASKS, type TaskDefinition } from "../tasks/index.ts";

/** A definition of any kind, as `defineModel`, `defineObjective`, `defineEvaluator` and `defineTask` make them. */
export type Definition =
  ModelDefinition | ObjectiveDefinition | EvaluatorDefinition | TaskDefinition;

/**
 * Adds definitions, so that configurations, runs and cards may name them from now on, in this process.
 *
 * @throws a configuration error where a name stands for another definition already
 * @example
 * use([pyramid]); // what defineModel({ name: "pyramid", … }) gave
 */
export function use(definitions: readonly Definition[]): void {
  for (const definition of definitions) {
    switch (definition.kind) {
      case "model":
        addDefinition("model", MODELS, definition);
        break;
      case "objective":
        addDefinition("objective", OBJECTIVES, definition);
        break;
      case "evaluator":
        addDefinition("evaluator", EVALUATORS, definition);
        break;
      case "task":
        addDefinition("task", TASKS, definition);
        break;
    }
  }
}
