/**
 * @file Pseudo-labels: what a classifier is confident of on an unlabelled image becomes its label.
 *
 * Papers: Lee 2013, "Pseudo-Label"; with a second view of the unlabelled images, which learns what the first one is taken for,
 * FixMatch: Sohn et al. 2020, arXiv:2001.07685, equations 3 and 4. L = mean CE(class) + w · mean 1[max p ≥ τ] CE(argmax p, f(x′)),
 * the mean over all unlabelled images, p without a gradient.
 */

import { z } from "zod";
import {
  argMax,
  concatenate,
  convert,
  greaterEqual,
  mean,
  mul,
  oneHot,
  reduceMax,
  sliceAxis,
  softmax,
  stopGradient,
} from "../../graph/index.ts";
import { softmaxXent } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { classifierOf, meanXent, semiSupervised } from "./frame.ts";
import { weight } from "./rows.ts";

/** Pseudo-labels in a configuration. */
export const pseudoLabelsObjective = defineObjective({
  name: "pseudo-labels",
  schema: z.strictObject({
    /** How much they count. Default: 1. */
    weight: weight.optional(),
    /** The least probability of a class that becomes a label. Default: 0.95. */
    threshold: z.number().min(0).max(1).optional(),
  }),
  task: "classification",
  takesUnlabelled: true,
  create: ({ weight: w = 1, threshold = 0.95 }, given) =>
    semiSupervised({
      network: classifierOf(given),
      weight: w,
      learn({ own: { image }, unlabelled: { image: first, view1: second = first }, see, hot }) {
        const [count, others] = [image.shape[0], first.shape[0]];
        const views = second === first ? [first] : [first, second];
        const { logits } = see(concatenate([image, ...views], 0));
        const classes = sliceAxis(logits, 0, 0, count);
        const taught = sliceAxis(logits, 0, count, count + others);
        const learning = sliceAxis(logits, 0, logits.shape[0] - others, logits.shape[0]);
        const sure = stopGradient(taught);
        const confident = convert(
          greaterEqual(reduceMax(softmax(sure), 1), threshold),
          logits.dtype,
        );
        const targets = oneHot(argMax(sure, 1), logits.shape[1]);
        return {
          labelled: meanXent(classes, hot(classes)),
          unlabelled: mean(mul(confident, softmaxXent(learning, targets))),
          logits: classes,
          metrics: { confident: mean(confident) },
        };
      },
    }),
});
