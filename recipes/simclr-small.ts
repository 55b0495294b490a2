/**
 * A small residual network that learns from pictures without labels, by telling two views of a picture from all others.
 *
 * Command: npx ocelli train simclr-small --data DIR
 * Expected: depends on the pictures, and has not been measured at this size. To judge yours, name labelled pictures, such as
 *   --evals.near.type knn --evals.near.split test --evals.near.from train --evals.near.data.name folder --evals.near.data.dir LABELLED
 * Time: not measured
 *
 * DIR is a folder of images, flat or nested, a .tar, or a table of paths; no labels are needed, and none are used. The
 * augmentation is SimCLR's without its blur, as the paper has it for pictures of 32 pixels (Appendix B.9).
 */

import type { Recipe } from "ocelli";
import { withViews } from "ocelli/preprocess";

const view =
  "random_resized_crop(32,20)|flip_lr|color_jitter(0.4,0.4,0.4,0.1,probability=0.8)|random_grayscale(0.2)";

export default {
  name: "simclr-small",
  preprocess: {
    train: withViews([view, view]),
    eval: "decode|resize_small(36)|central_crop(32)|value_range(-1,1)",
  },
  onBadImage: "skip",
  batchSize: 128,
  duration: { epochs: 30 },
  model: { name: "resnet", depth: [1, 1, 1], width: 0.5 },
  objective: { name: "simclr", temperature: 0.5, outputs: 64 },
  evals: { test: { type: "objective", split: "test", every: { percent: 10 } } },
  optimizer: {
    name: "lars",
    lr: 0.3,
    wd: 1e-6,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
} satisfies Recipe;
