/** @file The photographs that claims are tested on: CIFAR-10, or Fashion-MNIST where that is not here. */

import type { ClaimInput } from "ocelli";

/** 50,000 training images of 32 × 32 pixels in ten classes; the first of these that is here. */
export const PHOTOGRAPHS: ClaimInput["data"] = [
  {
    name: "tar",
    files: {
      train: "../shared/data/cifar10/train.tar",
      test: "../shared/data/cifar10/test.tar",
    },
    label: "folder",
  },
  { name: "idx", dir: "/usr/share/datasets/fashion-mnist" }, // Debian's dataset-fashion-mnist
];

/** Crops of 32 pixels shifted by up to 2, mirrored. */
export const TRAIN = "decode|resize(32)|random_shift(2)|flip_lr|value_range(-1,1)";
export const EVAL = "decode|resize(32)|value_range(-1,1)";

/** A learning rate that warms up over a tenth of the steps and falls by a cosine. */
export const COSINE = { decayType: "cosine", warmup: { percent: 10 } } as const;
