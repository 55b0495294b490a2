/** @file Optimisers by name. */

import type { z } from "zod";
import { type ChoiceAmong, choiceOf, findDefinition } from "../define.ts";
import { adafactor } from "./adafactor.ts";
import { adam, adamw } from "./adam.ts";
import { type OptimizerDefinition, type OptimizerKeys, optimizerKeys } from "./define.ts";
import { larsOptimizer } from "./lars.ts";
import { lion } from "./lion.ts";
import { momentum } from "./momentum.ts";
import { sgdOptimizer } from "./sgd.ts";

const BUILT_IN = [adam, adamw, adafactor, lion, momentum, sgdOptimizer, larsOptimizer] as const;

/** The optimisers that a configuration may name. */
export const OPTIMIZERS: OptimizerDefinition[] = [...BUILT_IN] as unknown as OptimizerDefinition[];

/** An optimiser by name with its options. */
export type OptimizerConfig = ChoiceAmong<"name", (typeof BUILT_IN)[number], OptimizerKeys>;

/** The schema of an optimiser by name with its options. */
export const optimizerChoice = (): z.ZodType<OptimizerConfig, OptimizerConfig> =>
  choiceOf("name", OPTIMIZERS, { before: optimizerKeys });

/** The definition of an optimiser, with the nearest names where there is none. */
export const optimizerDefinition = (name: string): OptimizerDefinition =>
  findDefinition("optimizer", OPTIMIZERS, name);
