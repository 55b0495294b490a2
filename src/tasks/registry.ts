/** @file Tasks by name. */

import { type ChoiceAmong, findDefinition } from "../define.ts";
import { OcelliError, unknownName } from "../errors.ts";
import type { ModelCard } from "../models/index.ts";
import { captioningTask } from "./captioning.ts";
import { classificationTask } from "./classification.ts";
import { contrastiveTask } from "./contrastive.ts";
import { featuresTask } from "./features.ts";
import { segmentationTask } from "./segmentation.ts";
import type { Task, TaskDefinition } from "./task.ts";

const BUILT_IN = [
  captioningTask,
  classificationTask,
  contrastiveTask,
  featuresTask,
  segmentationTask,
] as const;

/** The tasks that a configuration may name. */
export const TASKS: TaskDefinition[] = [...BUILT_IN] as unknown as TaskDefinition[];

/** A task by name with its options. */
export type TaskConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number]>;

/** The definition of a task, with the nearest names where there is none. */
export const taskDefinition = (name: string): TaskDefinition => findDefinition("task", TASKS, name);

/** The task that a card's model was trained for. */
export function taskOf(card: Pick<ModelCard, "model" | "task" | "names">): Task {
  const { name } = card.task;
  if (TASKS.some((task) => task.name === name)) return taskDefinition(name).create(card);
  const valid = TASKS.map((task) => task.name);
  const { message } = unknownName("task of a model", name, valid);
  throw new OcelliError("config", message, {
    ...{ given: name, valid },
    hint: "Give the file of a task of your own as --use, or its definition as use.",
  });
}
