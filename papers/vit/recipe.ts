/**
 * ViT-B/16 from scratch on ImageNet-1k in 300 epochs, as the first vision transformers were trained.
 *
 * Paper: Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
 * arXiv:2010.11929, Table 3.
 * Command: npx ocelli train vit --data DIR
 * Expected: 77.9 % on ImageNet's validation images after fine-tuning at 384 pixels (paper, Table 5); before it, not stated
 * in the source
 * Time: 92,900 steps of 4,096 images; for a pod of accelerators
 *
 * The paper's weight decay is AdamW's, multiplied by the rate. What came of this recipe with smaller batches, a little
 * augmentation and fixed positions is `better-plain-vit`; sizes beyond are `vit-g`. DIR holds `train` and `validation`.
 *
 * Not stated in the source: the augmentation (here crops and mirroring, as the same authors use); which images it validates
 * on (here a hundredth of `train`); which parameters decay (here kernels alone, as in the authors' later code; with
 * `--optimizer.wdMults '[[".*", 1]]'` all of them).
 */

import type { Recipe } from "ocelli";

export default {
  name: "vit",
  split: "train[:99%]",
  preprocess: {
    train: "decode(alpha=drop)|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: 4096,
  duration: { epochs: 300 },
  model: {
    name: "vit",
    variant: "B/16",
    posemb: "learn",
    poolType: "tok",
    repSize: true,
    dropout: 0.1,
  },
  objective: { name: "classification", loss: "softmax" },
  optimizer: {
    name: "adamw",
    lr: 3e-3,
    weightDecay: 0.3,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 10_000 } },
  },
  evals: {
    val: { split: "validation", every: { steps: 2500 } },
    minival: { split: "train[99%:]", every: { steps: 2500 } },
    train: { split: "train[:2%]", every: { steps: 2500 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
