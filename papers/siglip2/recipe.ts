/**
 * SigLIP 2 B/16 at 256 pixels, the part of its training that is contrast: many languages, each pair judged by itself.
 * Before it runs: fetch gemma.model, Gemma's vocabulary of 256,000 pieces
 *
 * Paper: Tschannen et al. 2025, "SigLIP 2: Multilingual Vision-Language Encoders with Improved Semantic Understanding,
 * Localization, and Dense Features", arXiv:2502.14786.
 * Command: npx ocelli train siglip2 --data DIR
 * Expected: with all of its training 79.1 % zero-shot on ImageNet, recall@1 on COCO 53.2 % and 69.7 % (big_vision's README);
 * of the contrast alone, not stated in the source
 * Time: 1.2 million steps of 32,768 pairs; for a pod of accelerators
 *
 * DIR holds 10 billion images with 12 billion texts in 109 languages, nine tenths of them English, in the source. The loss
 * is taken in chunks of 1,024 texts, which changes its memory and nothing else.
 *
 * Not stated in the source: the decay of the second moment (here 0.95, as in SigLIP).
 *
 * Left out here: the decoder that captions, names regions and finds them (weight 1), half of its captions at once; from 80 % of the
 * training on self-distillation with 8 local views and prediction of masked patches (weights 1 and 0.25); the other
 * resolutions, which begin at 95 %; NaFlex, which begins at 90 %; active curation of the data of B models.
 */

import type { Recipe } from "ocelli";
import { TOKENIZER_CARDS } from "ocelli/text";

export default {
  name: "siglip2",
  task: { name: "contrastive", tokenizer: { ...TOKENIZER_CARDS.siglip2, file: "gemma.model" } },
  preprocess: {
    train: "decode(alpha=drop)|resize(256)|value_range(-1,1)",
    eval: "decode(alpha=drop)|resize(256)|value_range(-1,1)",
  },
  batchSize: 32_768,
  duration: { examples: 40e9 },
  model: {
    name: "two-towers",
    image: { name: "vit", variant: "B/16", poolType: "map" },
    text: { name: "text-transformer", variant: "B" },
    outDim: [null, 768],
    temperatureInit: 10,
    biasInit: -10,
  },
  objective: { name: "contrastive", loss: "sigmoid", chunk: 1024 },
  optimizer: {
    name: "adafactor",
    lr: 1e-3,
    wd: 1e-4,
    beta2Cap: 0.95,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { steps: 20_000 } },
  },
  evals: {
    coco: { type: "retrieval", split: "validation", every: { steps: 20_000 } },
  },
  log: { steps: 50 },
  checkpoint: { every: { steps: 1000 }, keep: 1 },
} satisfies Recipe;
