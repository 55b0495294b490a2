/** @file Definitions that a user adds to those that come with Ocelli. */

import { type ChoiceAmong, type Named, addDefinition, isAddition } from "../define.ts";
import type { OpenData } from "../data/define.ts";
import { SOURCES, type PlainDataConfig } from "../data/registry.ts";
import type { Dataset } from "../data/source.ts";
import { EVALUATORS, type Evaluator } from "../evaluate/index.ts";
import { OcelliError } from "../errors.ts";
import { type ImageModel, MODELS, type ModelKeys } from "../models/index.ts";
import { OBJECTIVES, type Objective } from "../objectives/index.ts";
import { OPTIMIZERS, type OptimizerKeys, type Transform } from "../optim/index.ts";
import { OPERATIONS, type OperationDefinition } from "../preprocess/index.ts";
import { TASKS, type Task, type TaskDefinition } from "../tasks/index.ts";
import type { z } from "zod";
import type { ConfigInput, EvaluationKeys } from "./config.ts";

/** A definition of a kind, whatever its options: what `create` takes is known to its own file alone. */
interface Made<Kind extends Named["kind"], Result> {
  readonly kind: Kind;
  readonly name: string;
  readonly schema: z.ZodObject;
  readonly create: (options: never, ...given: never[]) => Result;
}

/** A data set, whatever its options. */
interface Opened {
  readonly kind: "source";
  readonly name: string;
  readonly schema: z.ZodObject;
  readonly open: (options: never, openData: OpenData) => Dataset | Promise<Dataset>;
}

/** What `defineModel`, `defineObjective`, `defineEvaluator`, `defineTask`, `defineSource`, `defineOperation` and `defineOptimizer` give. */
export type Definition =
  | Made<"model", ImageModel>
  | Made<"objective", Objective | Promise<Objective>>
  | Made<"evaluator", Evaluator>
  | (Omit<Made<"task", Task>, "create"> & Pick<TaskDefinition, "needs" | "headline" | "create">)
  | Made<"optimizer", Transform>
  | Opened
  | OperationDefinition;

/** How a configuration chooses one of the definitions of a kind. */
type Chosen<Key extends string, Kind, D, Beside = unknown> = ChoiceAmong<
  Key,
  Extract<D, { readonly kind: Kind }>,
  Beside
>;

/** The keys of a configuration that choose a definition. */
type Choices = "model" | "objective" | "optimizer" | "task" | "data" | "evals";

/** Data that is of a user's source, or a mixture with such. */
type DataWith<D> =
  | Chosen<"name", "source", D>
  | {
      readonly name: "mixture";
      readonly parts: readonly {
        readonly data: PlainDataConfig | Chosen<"name", "source", D>;
        readonly weight: number;
      }[];
    };

/** A configuration as one writes it, which may also choose the definitions of `use`. */
export type ConfigWith<Use extends readonly Definition[]> = Use extends readonly []
  ? ConfigInput
  : Omit<ConfigInput, Choices> & {
      readonly model: ConfigInput["model"] | Chosen<"name", "model", Use[number], ModelKeys>;
      readonly objective: ConfigInput["objective"] | Chosen<"name", "objective", Use[number]>;
      readonly optimizer:
        ConfigInput["optimizer"] | Chosen<"name", "optimizer", Use[number], OptimizerKeys>;
      readonly task?: ConfigInput["task"] | Chosen<"name", "task", Use[number]>;
      readonly data: ConfigInput["data"] | DataWith<Use[number]>;
      readonly evals?: Readonly<
        Record<
          string,
          | NonNullable<ConfigInput["evals"]>[string]
          | Chosen<"type", "evaluator", Use[number], EvaluationKeys>
        >
      >;
    };

/** Lists of definitions by kind. */
const LISTS = {
  model: MODELS,
  objective: OBJECTIVES,
  evaluator: EVALUATORS,
  task: TASKS,
  source: SOURCES,
  operation: OPERATIONS,
  optimizer: OPTIMIZERS,
} as Record<Named["kind"], Named[]>;

/** What was added so far. */
export const added = (): Named[] => Object.values(LISTS).flat().filter(isAddition);

/** What kinds are called in errors, where not by their own names. */
const CALLED: Partial<Record<Named["kind"], string>> = {
  source: "data set",
  operation: "preprocessing operation",
};

/**
 * Adds definitions, so that configurations, runs and cards may name them from now on, in this process.
 *
 * @throws a configuration error where a name stands for another definition already
 * @example
 * use([pyramid]); // what defineModel({ name: "pyramid", … }) gave
 */
export function use(definitions: readonly Definition[]): void {
  for (const definition of definitions as readonly Named[]) {
    const { kind } = definition;
    if (!Object.hasOwn(LISTS, kind)) {
      throw new OcelliError("config", "use takes what defineModel and its like give.", {
        given: definition,
      });
    }
    addDefinition<Named>(CALLED[kind] ?? kind, LISTS[kind], definition);
  }
}
