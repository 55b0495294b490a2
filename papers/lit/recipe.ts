/**
 * LiT B16B: a text tower is taught to read a locked, pre-trained ViT-B/16.
 * Before it runs: fetch vocab.txt, the vocabulary of BERT's uncased models
 *
 * Paper: Zhai et al. 2022, "LiT: Zero-Shot Transfer with Locked-image text Tuning", arXiv:2111.07991.
 * Command: npx ocelli train lit --data DIR
 * Expected: not stated in the source for this tower; with ViT-g/14, 85.2 % zero-shot on ImageNet. The public B16B_2, 60,000
 * steps on CC12M and YFCC, has 73.9 %, and on COCO recall@1 of 31.8 % of images and 51.5 % of texts
 * Time: 1.1 million steps of 16,384 pairs; for a pod of accelerators
 *
 * The settings are those of the paper's largest runs. The image tower has no head of its own, so that vectors are of its
 * width. With `cacheEmbeddings` it would run over each image once: here that is off, since the source has too many images.
 *
 * Not stated in the source: the decay of the second moment (here 0.999, the optimiser's usual) and where the temperature begins
 * (here 10); weights of the locked tower by a name (here AugReg's from ImageNet-21k).
 *
 * Left out here: zero-shot evaluation on ImageNet, which the evaluator `zeroshot` has.
 */

import type { Recipe } from "ocelli";
import { TOKENIZER_CARDS } from "ocelli/text";

export default {
  name: "lit",
  task: { name: "contrastive", tokenizer: { ...TOKENIZER_CARDS.lit, file: "vocab.txt" } },
  preprocess: {
    train: "decode(alpha=drop)|resize(224)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize(224)|value_range(-1,1)",
  },
  batchSize: 16_384,
  duration: { examples: 18e9 },
  model: {
    name: "two-towers",
    image: { name: "vit", variant: "B/16", poolType: "tok" },
    text: { name: "text-transformer", variant: "B", poolType: "first", padId: 0 },
    outDim: [null, 768],
    temperatureInit: 10,
  },
  init: { parts: { img: { weights: "hf:google/vit-base-patch16-224-in21k", head: "drop" } } },
  objective: { name: "contrastive", loss: "softmax" },
  optimizer: {
    name: "adafactor",
    lr: 1e-3,
    wd: 1e-4,
    gradClipNorm: 1,
    schedule: [
      ["img/.*", null],
      [".*", { decayType: "cosine", warmup: { steps: 10_000 } }],
    ],
  },
  evals: {
    coco: { type: "retrieval", split: "validation", every: { steps: 20_000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
