/**
 * BiT-M: R50x1 with group normalisation and standardised weights, pre-trained on ImageNet-21k in 90 epochs.
 *
 * Paper: Kolesnikov et al. 2020, "Big Transfer (BiT): General Visual Representation Learning", arXiv:1912.11370.
 * Command: npx ocelli train bit-i21k --data imagenet21k
 * Expected: a backbone for transfer; the source states no figure
 * Time: 90 epochs of 14 million images; not for one machine
 *
 * Gaps: BiT takes no first bias of the head from its options; big_vision begins it at -10, ours at 0. Its images are
 * full[51200:].
 */

import type { Recipe } from "ocelli";

const BATCH = 4096;

export default {
  name: "bit-i21k",
  preprocess: {
    train: "decode|inception_crop(224)|flip_lr|value_range(-1,1)",
    eval: "decode|resize_small(256)|central_crop(224)|value_range(-1,1)",
  },
  batchSize: BATCH,
  duration: { epochs: 90 },
  model: { name: "bit-paper", variant: "R50x1" },
  objective: { name: "classification", loss: "sigmoid" },
  optimizer: {
    name: "momentum",
    momentum: 0.9,
    lr: (0.03 * BATCH) / 256,
    wd: (3e-5 * BATCH) / 256,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 5000 } },
  },
} satisfies Recipe;
