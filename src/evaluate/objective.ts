/** @file What a training minimises, on examples that it does not train on. */

import { z } from "zod";
import { convert, mul, reduceSum } from "../graph/index.ts";
import { defineEvaluator } from "./define.ts";
import { COUNTS, OBJECTIVE } from "./evaluator.ts";

/**
 * The objective's loss and metrics, without its training-time randomness: such as how well a pretext task is solved. Each
 * is the mean over all batches, weighed by what the objective counts, or else by examples. For the evaluations of a training: a served model is without the
 * objective.
 */
export const objectiveValues = defineEvaluator({
  name: "objective",
  schema: z.strictObject({}),
  create: () => ({
    head: OBJECTIVE,
    measure({ output: loss, out: metrics, batch: { mask } }) {
      const examples = reduceSum(mask);
      const sums = Object.entries({ ...metrics, loss })
        .filter(([name]) => !name.startsWith(COUNTS))
        .flatMap(([name, value]) => {
          const count = convert(metrics[COUNTS + name] ?? examples, "float32");
          return [
            [name, mul(convert(value, "float32"), count)],
            [COUNTS + name, count],
          ] as const;
        });
      return { sums: Object.fromEntries(sums) };
    },
    summarise: ({ judged: { sums } }) =>
      Object.keys(sums)
        .filter((name) => !name.startsWith(COUNTS))
        .map((name) => [name, sums[name] / sums[COUNTS + name]]),
  }),
});
