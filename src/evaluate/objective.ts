/** @file What a training minimises, on examples that it does not train on. */

import { z } from "zod";
import { convert, mul, reduceSum } from "../graph/index.ts";
import { defineEvaluator } from "./define.ts";
import { OBJECTIVE } from "./evaluator.ts";

/**
 * The objective's loss and metrics, without its training-time randomness: such as how well a pretext task is solved. Each
 * is the mean over batches, weighed by their examples. For the evaluations of a training: a served model is without the
 * objective.
 */
export const objectiveValues = defineEvaluator({
  name: "objective",
  schema: z.strictObject({}),
  create: () => ({
    head: OBJECTIVE,
    measure({ output: loss, out: metrics, batch: { mask } }) {
      const count = reduceSum(mask);
      const weighed = Object.entries({ ...metrics, loss }).map(([name, value]) => {
        return [name, mul(convert(value, "float32"), count)] as const;
      });
      return { sums: { ...Object.fromEntries(weighed), mask: count } };
    },
    summarise({ judged: { sums } }) {
      const { mask: count, ...values } = sums;
      return Object.entries(values).map(([name, sum]) => [name, sum / count]);
    },
  }),
});
