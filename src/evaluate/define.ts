/** @file How an evaluator is defined: a type, its options, and what makes it. */

import type { z } from "zod";
import type { EvaluatedModel, Evaluator } from "./evaluator.ts";

/** An evaluator's definition. */
export interface EvaluatorDefinition<
  Name extends string = string,
  Schema extends z.ZodObject = z.ZodObject,
> {
  readonly kind: "evaluator";
  /** Its `type` in a configuration. */
  readonly name: Name;
  /** Its options, beside `type` and what every evaluation has. */
  readonly schema: Schema;
  /** Makes it for a model; a configuration error where it does not suit the model. */
  readonly create: (options: z.output<Schema>, model: EvaluatedModel) => Evaluator;
}

/**
 * Defines an evaluator.
 *
 * @example
 * export const meanFeature = defineEvaluator({
 *   name: "mean-feature",
 *   schema: z.strictObject({}),
 *   create: () => ({
 *     head: "embed",
 *     measure: ({ output }) => ({ rows: { mean: mean(output, 1) } }),
 *     summarise: ({ judged }) => [["mean", average(judged.rows.mean)]],
 *   }),
 * });
 */
export const defineEvaluator = <Name extends string, Schema extends z.ZodObject>(
  definition: Omit<EvaluatorDefinition<Name, Schema>, "kind">,
): EvaluatorDefinition<Name, Schema> => ({ kind: "evaluator", ...definition });
