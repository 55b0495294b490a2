/**
 * @file Exemplar: every image is a class of its own, told from the others of the batch by its views.
 *
 * Papers: Dosovitskiy et al. 2014, arXiv:1406.6909; with triplets as in Kolesnikov et al. 2019, arXiv:1901.09005 (semi-hard
 * negatives, squared distances, a margin) and Zhai et al. 2019 (S4L), arXiv:1905.03670 (the hardest of the batch, a soft margin).
 */

import { z } from "zod";
import { concatenate } from "../../graph/index.ts";
import {
  batchHard,
  imageLabels,
  maskedMean,
  repeatRows,
  semiHard,
  unitRows,
} from "../../losses/index.ts";
import { dense } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { width } from "./option-kinds.ts";
import { encoderOf, makeSystem, seeTogether } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const HEAD = "embedding_head";

/** Exemplar in a configuration. */
export const exemplarObjective = defineObjective({
  name: "exemplar",
  schema: z.strictObject({
    /** Which negatives count: semi-hard ones, or the hardest with a soft margin. Default: "semi-hard". */
    triplets: z.enum(["semi-hard", "batch-hard"]).optional(),
    /** By how much others are to be farther away. Default: 0.5; of "batch-hard" a soft margin, log(1 + exp(d₊ − d₋)). */
    margin: z.number().min(0).optional(),
    /** Width of what is compared. Default: 1000. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ triplets = "semi-hard", margin, outputs = 1000 }, given) {
    checkViews("exemplar", given, { least: 2 });
    const encode = encoderOf(given);
    return makeSystem({
      own: [HEAD],
      student(scope, image) {
        const { features } = encode(scope, image);
        return { features, z: unitRows(dense(scope.at(HEAD), features, outputs)) };
      },
      loss({ batch, train, student }) {
        const views = viewsOf(batch, 2, train);
        const [count] = views[0].shape;
        const seen = seeTogether(student, views);
        const all = concatenate(
          seen.map(({ z: one }) => one),
          0,
        );
        const labels = imageLabels(count, views.length);
        const mask = batch.mask && repeatRows(batch.mask, views.length);
        const loss =
          triplets === "semi-hard"
            ? semiHard(all, labels, margin, mask)
            : maskedMean(batchHard(all, labels, { margin, mask }).loss, mask);
        const [{ features, z: outputs }, { features: others }] = seen;
        return { loss, features, others, outputs };
      },
    });
  },
});
