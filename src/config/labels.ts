/** @file Whether a training needs labelled examples. */

import { objectiveDefinition } from "../objectives/index.ts";
import { taskDefinition } from "../tasks/index.ts";

/** Whether the task of an objective needs labels of its examples, or takes images alone as well. */
export function labelsFor({ name }: { readonly name: string }): "required" | "optional" {
  const { needs } = taskDefinition(objectiveDefinition(name).task);
  return Object.hasOwn(needs, "label") ? "required" : "optional";
}
