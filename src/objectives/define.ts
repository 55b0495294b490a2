/** @file How an objective is defined: its name, its options, and what makes it for a model. */

import type { z } from "zod";
import type { Spec } from "../graph/index.ts";
import type { FieldModel, Head, ImageModel, TaskChoice } from "../models/index.ts";
import type { BatchSpec, Objective } from "./objective.ts";
import type { Teacher } from "./teacher.ts";

/** What an objective is made of, beside its options. */
export interface ObjectiveGiven {
  /** The task's model, on an image alone. */
  readonly model: ImageModel;
  /** The task's model on all the fields of a batch that it takes; on `image` where that is all. */
  readonly whole: FieldModel;
  /** The task's heads by name, such as `embed`: functions of what the model returns and of its intermediate values. */
  readonly heads: Readonly<Record<string, Head>>;
  /** A batch as the objective sees it, after the preprocessing on the device. */
  readonly batch: BatchSpec;
  /** What the numbers of a field stand for, in their order. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The task with its options, as in the card. */
  readonly task: TaskChoice;
  /** How much each class weighs in the loss, of `balance: "loss"`; of an objective that `weighsClasses`. Default: all the same. */
  readonly classWeights?: readonly number[];
  /** How many updates the training makes, for schedules of objectives. */
  readonly totalSteps: number;
  /** Loads a trained model; `key` names the option that asks for it, for errors. */
  readonly openTeacher: (from: TeacherChoice, image: Spec, key: string) => Promise<Teacher>;
}

/** A run folder or checkpoint; or a model, and weights as `--model` of `ocelli transfer` takes them. */
export type TeacherChoice =
  | string
  | {
      readonly model: { readonly name: string } & Readonly<Record<string, unknown>>;
      readonly weights: string;
    };

/** An objective's definition. */
export interface ObjectiveDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "objective";
  /** Its `name` in a configuration. */
  readonly name: Name;
  /** Its options, beside `name`. */
  readonly schema: Schema;
  /** The task that its model is for. */
  readonly task: string;
  /** Whether its loss heeds `classWeights`; else `balance: "loss"` is an error. Default: false. */
  readonly weighsClasses?: boolean;
  /**
   * Whether it learns from a second stream of images without labels, `unlabelled` in a configuration and in its batches.
   * Default: false.
   */
  readonly takesUnlabelled?: boolean;
  /** Makes it; a configuration error where it does not suit model or batch. */
  readonly create: (
    options: z.output<Schema>,
    given: ObjectiveGiven,
  ) => Objective | Promise<Objective>;
}

/** Defines an objective. */
export const defineObjective = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<ObjectiveDefinition<Name, Schema>, "kind">,
): ObjectiveDefinition<Name, Schema> => ({ kind: "objective", ...definition });
