/**
 * @file S4L-Exemplar: a classifier of labelled images that tells the views of each image from those of all others.
 *
 * Paper: Zhai et al. 2019, arXiv:1905.03670, section 3.2. L = mean CE(class) over all views of the labelled images + w · ½ (triplets of
 * the labelled + triplets of the unlabelled): batch-hard triplets with a soft margin, log(1 + exp(d₊ − d₋)), whose like and other
 * are drawn by softmax(d) and softmax(−d), as in the authors' code. Statistics of batch normalisation are of all views together.
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { type Tensor, add, concatenate, foldIn, mean, mul, sliceAxis } from "../../graph/index.ts";
import { batchHard, imageLabels, repeatRows } from "../../losses/index.ts";
import { dense } from "../../nn/index.ts";
import { streamsOf } from "../../preprocess/beside.ts";
import { defineObjective } from "../define.ts";
import type { Batch, BatchSpec } from "../objective.ts";
import { width } from "../self-supervised/option-kinds.ts";
import { viewsOf } from "../self-supervised/views.ts";
import { classifierOf, meanXent, semiSupervised } from "./frame.ts";
import { weight } from "./rows.ts";

const HEAD = "embedding_head";

/** S4L-Exemplar in a configuration. */
export const s4lExemplarObjective = defineObjective({
  name: "s4l-exemplar",
  schema: z.strictObject({
    /** How much telling images apart counts. Default: 1. */
    weight: weight.optional(),
    /** Width of what is compared. Default: 1000. */
    outputs: width.optional(),
    /** Which like and other count: drawn by how hard they are, or the hardest. Default: "drawn". */
    triplets: z.enum(["drawn", "hardest"]).optional(),
  }),
  task: "classification",
  takesUnlabelled: true,
  create({ weight: w = 1, outputs = 1000, triplets = "drawn" }, given) {
    checkSizes(given.batch);
    const classify = classifierOf(given);
    return semiSupervised({
      own: [HEAD],
      weight: w,
      network(scope, image) {
        const { logits, features } = classify(scope, image);
        return { logits, features, z: dense(scope.at(HEAD), features, outputs) };
      },
      learn({ own, unlabelled, see, hot, key }) {
        const [ours, theirs] = [viewsOf(own, 2, true), viewsOf(unlabelled, 2, true)];
        const { logits, z: all } = see(concatenate([...ours, ...theirs], 0));
        const [count, others] = [ours[0].shape[0], theirs[0].shape[0]];
        const rows = count * ours.length;
        const classes = sliceAxis(logits, 0, 0, rows);
        const first = sliceAxis(logits, 0, 0, count);
        const apartness = (part: Tensor, labels: Tensor, i: number): Tensor => {
          const drawn = triplets === "drawn" ? { key: foldIn(key, i) } : {};
          return mean(batchHard(part, labels, drawn).loss);
        };
        const labelled = apartness(sliceAxis(all, 0, 0, rows), imageLabels(count, ours.length), 0);
        const beside = apartness(
          sliceAxis(all, 0, rows, all.shape[0]),
          imageLabels(others, theirs.length),
          1,
        );
        return {
          labelled: meanXent(classes, repeatRows(hot(first), ours.length)),
          unlabelled: mul(add(labelled, beside), 0.5),
          logits: first,
        };
      },
    });
  },
});

/** A configuration error where views are missing, or of several sizes. */
function checkSizes(batch: BatchSpec): void {
  const { own, unlabelled } = streamsOf(batch);
  const views = [own, unlabelled].flatMap((part) => viewsOf(part as Batch, 2, true));
  const sizes = new Set(views.map(({ shape }) => shape.slice(1).join("×")));
  if (sizes.size === 1) return;
  throw new OcelliError(
    "config",
    `s4l-exemplar takes views of one size, not ${[...sizes].join(" and ")}.`,
    {
      hint: "Give every view of preprocess.train and unlabelled.preprocess the same crop.",
    },
  );
}
