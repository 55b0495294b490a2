/**
 * @file Entropy minimisation: a classifier that is to be sure of unlabelled images too.
 *
 * Paper: Grandvalet & Bengio 2004, "Semi-supervised Learning by Entropy Minimization"; its weight as in Zhai et al. 2019,
 * arXiv:1905.03670. L = mean CE(class) + w · mean H(f(x)) of the unlabelled.
 */

import { z } from "zod";
import { concatenate, mean, sliceAxis } from "../../graph/index.ts";
import { softmaxEntropy } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { classifierOf, meanXent, semiSupervised } from "./frame.ts";
import { weight } from "./rows.ts";

/** Entropy minimisation in a configuration. */
export const entropyObjective = defineObjective({
  name: "entropy-minimisation",
  schema: z.strictObject({
    /** How much the entropy counts. Default: 0.3. */
    weight: weight.optional(),
  }),
  task: "classification",
  takesUnlabelled: true,
  create: ({ weight: w = 0.3 }, given) =>
    semiSupervised({
      network: classifierOf(given),
      weight: w,
      learn({ own: { image }, unlabelled, see, hot }) {
        const [count] = image.shape;
        const { logits } = see(concatenate([image, unlabelled.image], 0));
        const classes = sliceAxis(logits, 0, 0, count);
        return {
          labelled: meanXent(classes, hot(classes)),
          unlabelled: mean(softmaxEntropy(sliceAxis(logits, 0, count, logits.shape[0]))),
          logits: classes,
        };
      },
    }),
});
