/**
 * A network that learns random labels of pictures of 32 pixels, without augmentation and without decay, as in the paper.
 *
 * Paper: Maennel et al. 2020, "What Do Neural Networks Learn When Trained With Random Labels?", arXiv:2006.10455.
 * Command: npx ocelli train random-labels --data DIR
 * Expected: the labels of the training images are learned, those of others are not: chance on any other split
 * Time: 23,400 steps of 256 images for the 50,000 of CIFAR-10
 *
 * DIR holds `train` and `test`; of labels only how many classes there are is used. `claim.ts` fine-tunes what comes of it.
 *
 * Not stated in the source, as it is known here: the network's sizes, the optimiser and its length; and how often it evaluates, logs and
 * saves.
 */

import type { Recipe } from "ocelli";

export default {
  name: "random-labels",
  preprocess: {
    train: "decode|resize(32)|value_range(-1,1)",
    eval: "decode|resize(32)|value_range(-1,1)",
  },
  batchSize: 256,
  duration: { epochs: 120 },
  model: { name: "resnet", depth: [1, 1, 1], width: 1 },
  objective: { name: "random-labels" },
  optimizer: {
    name: "momentum",
    lr: 0.1,
    momentum: 0.9,
    schedule: { decayType: "cosine", warmup: { epochs: 1 } },
  },
  evals: { test: { split: "test", every: { epochs: 10 } } },
  log: { steps: 50 },
  checkpoint: { every: { epochs: 10 }, keep: 2 },
} satisfies Recipe;
