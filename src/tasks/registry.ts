/** @file Tasks by name. */

import { type ChoiceAmong, findDefinition } from "../define.ts";
import type { ModelCard } from "../models/index.ts";
import { classificationTask } from "./classification.ts";
import { featuresTask } from "./features.ts";
import { segmentationTask } from "./segmentation.ts";
import type { Task, TaskDefinition } from "./task.ts";

const BUILT_IN = [classificationTask, featuresTask, segmentationTask] as const;

/** The tasks that a configuration may name. */
export const TASKS: TaskDefinition[] = [...BUILT_IN] as unknown as TaskDefinition[];

/** A task by name with its options. */
export type TaskConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number]>;

/** The definition of a task, with the nearest names where there is none. */
export const taskDefinition = (name: string): TaskDefinition => findDefinition("task", TASKS, name);

/** The task that a card's model was trained for. */
export const taskOf = (card: Pick<ModelCard, "model" | "task" | "names">): Task =>
  taskDefinition(card.task.name).create(card);
