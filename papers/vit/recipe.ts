/**
 * ViT-S/16 from scratch on ImageNet-1k in 90 epochs: 76.5 % top-1 in big_vision.
 *
 * Papers: Dosovitskiy et al. 2021, arXiv:2010.11929; the settings are those of Beyer et al. 2022, "Better plain ViT
 * baselines for ImageNet-1k", arXiv:2205.01580, as big_vision trains it.
 * Command: npx ocelli train vit --data imagenet
 * Expected: 76.5 % on the validation images at 224
 * Time: 90 epochs of 1.28 million images; not measured here
 */

import type { Recipe } from "ocelli";

export default {
  name: "vit",
  preprocess: {
    train: "decode|inception_crop(224)|flip_lr|randaug(2,10)|value_range(-1,1)",
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 1024,
  duration: { epochs: 90 },
  model: {
    name: "vit",
    variant: "S/16",
    posemb: "sincos2d",
    poolType: "gap",
    repSize: true,
    headZeroinit: true,
  },
  objective: { name: "classification", loss: "softmax", mixup: { p: 0.2 } },
  optimizer: {
    name: "adam",
    lr: 1e-3,
    wd: 1e-4,
    muDtype: "bfloat16",
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 10_000 } },
  },
} satisfies Recipe;
