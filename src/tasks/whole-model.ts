/** @file The model of a task as one of fields, whatever it takes: an image alone, or further fields. */

import type { Spec } from "../graph/index.ts";
import type { FieldModel, ModelCard } from "../models/index.ts";
import type { Task } from "./task.ts";

/** What of a task its model is computed by. */
export type TaskModel = Pick<Task, "model" | "whole" | "write">;

/** A task's model as one of fields; that of an image alone takes `image`. Both leave out fields that they do not know. */
export const wholeModel = ({ model, whole }: TaskModel): FieldModel =>
  whole?.model ?? ((scope, { image }) => model(scope, image));

/** A batch of one example as the model of a task takes it, by field. */
export const inputSpecs = (
  { whole }: TaskModel,
  { imageShape }: Pick<ModelCard, "imageShape">,
): Readonly<Record<string, Spec>> => {
  const batched = ({ shape, dtype }: Spec): Spec => ({ shape: [1, ...shape], dtype });
  const further = Object.entries(whole?.inputs ?? {}).map(([name, one]) => [name, batched(one)]);
  return {
    image: batched({ shape: imageShape, dtype: "float32" }),
    ...(Object.fromEntries(further) as Readonly<Record<string, Spec>>),
  };
};
