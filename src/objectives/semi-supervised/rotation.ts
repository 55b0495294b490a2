/**
 * @file S4L-Rotation: a classifier of labelled images that tells of all images by how much they were turned.
 *
 * Paper: Zhai et al. 2019, arXiv:1905.03670, section 3.1. Every image in its four rotations; the classes are learned from all four
 * rotations of the labelled ones: L = mean CE(class) + w · ½ (mean CE(turn) of the labelled + mean CE(turn) of the unlabelled),
 * as in the authors' code. Statistics of batch normalisation are of both streams together. Evaluation sees images as they are;
 * the authors average the logits over four rotations there.
 */

import { z } from "zod";
import { concatenate, mean, mul, add, oneHot, sliceAxis } from "../../graph/index.ts";
import { softmaxXent } from "../../losses/index.ts";
import { dense } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { TURNS, rotations, turnsOf } from "../rotation.ts";
import { classifierOf, meanXent, semiSupervised } from "./frame.ts";
import { eachRow, firstOfEach, weight } from "./rows.ts";

const HEAD = "rotation";

/** S4L-Rotation in a configuration. */
export const s4lRotationObjective = defineObjective({
  name: "s4l-rotation",
  schema: z.strictObject({
    /** How much telling rotations counts. Default: 1. */
    weight: weight.optional(),
  }),
  task: "classification",
  takesUnlabelled: true,
  create({ weight: w = 1 }, given) {
    const classify = classifierOf(given);
    return semiSupervised({
      own: [HEAD],
      weight: w,
      network(scope, image) {
        const { logits, features } = classify(scope, image);
        return { logits, features, turn: dense(scope.at(HEAD), features, TURNS) };
      },
      learn({ own: { image }, unlabelled, see, hot }) {
        const [count] = image.shape;
        const all = concatenate([rotations(image), rotations(unlabelled.image)], 0);
        const { logits, turn } = see(all);
        const [rows, own] = [all.shape[0], TURNS * count];
        const classes = sliceAxis(logits, 0, 0, own);
        const upright = firstOfEach(classes, TURNS);
        const loss = softmaxXent(turn, oneHot(turnsOf(rows / TURNS), TURNS));
        const [of, beside] = [sliceAxis(loss, 0, 0, own), sliceAxis(loss, 0, own, rows)];
        return {
          labelled: meanXent(classes, eachRow(hot(upright), TURNS)),
          unlabelled: mul(add(mean(of), mean(beside)), 0.5),
          logits: upright,
        };
      },
    });
  },
});
