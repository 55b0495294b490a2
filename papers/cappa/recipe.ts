/**
 * CapPa B/16: an image encoder taught by a decoder that writes captions, three quarters of them all words at once.
 * Before it runs: fetch cc_en.32000.model, the English vocabulary of 32,000 pieces that T5 has (c4_en)
 *
 * Paper: Tschannen et al. 2023, "Image Captioners Are Scalable Vision Learners Too", arXiv:2306.07915.
 * Command: npx ocelli train cappa --data DIR
 * Expected: not stated in the source for the 3 billion pairs that these settings see; of 9 billion, by a decoder on the frozen
 * features, 81.3 % on ImageNet and 117.9 CIDEr on COCO (paper, Table 1)
 * Time: 366,500 steps of 8,192 pairs; for a pod of accelerators
 *
 * Captioning alone, the paper's Cap, is `--model.maskedPredProb 0`.
 *
 * Left out here: linear probes on a few images of each class, for which pairs have no classes.
 */

import type { Recipe } from "ocelli";
import { TOKENIZER_CARDS } from "ocelli/text";

export default {
  name: "cappa",
  task: { name: "captioning", tokenizer: { ...TOKENIZER_CARDS.cappa, file: "cc_en.32000.model" } },
  preprocess: {
    train: "decode(alpha=drop)|resize(224)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize(224)|value_range(-1,1)",
  },
  batchSize: 8192,
  duration: { steps: 366_500 },
  model: {
    name: "cappa",
    encoder: { variant: "B/16" },
    decoder: { depth: 6 },
    vocabSize: 32_000,
    seqLen: 64,
    maskedPredProb: 0.75,
    maskingRatio: 1,
  },
  objective: { name: "captioning" },
  optimizer: {
    name: "adafactor",
    lr: 1e-3,
    wd: 1e-4,
    beta2Cap: 0.999,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 10_000 } },
  },
  evals: {
    captions: { type: "perplexity", split: "validation", every: { steps: 5000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
