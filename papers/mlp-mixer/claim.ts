/**
 * MLP-Mixer against ViT at equal cost of a step: it comes close with all of the data, and falls behind with little.
 *
 * Metric: accuracy on the test split, read once by each run. Split: nine tenths of `train` by hash train, the other
 * tenth chooses the learning rate. Budget: three rates for each arm, the same ones. Written down before the first full run:
 * both models have 4 patches a side, width 96 and depth 4, and their other widths make the products of a step cost the
 * same.
 *
 * Multiply-adds of a block over 16 tokens: ViT 16·(4·96² + 2·96·H) + 2·16²·96 with H = 192, which is 1.23 million; Mixer
 * 2·16·T·96 + 2·16·96·C with T = 64 and C = 336, which is 1.23 million.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

const STEPS = { quick: 300, full: 2500 };
const TUNE = { lr: [1e-3, 3e-4, 3e-3] };

const recipe = (
  { scale, tuned }: ArmContext<typeof TUNE>,
  model: ClaimRecipe["model"],
  split: string,
): ClaimRecipe => ({
  split,
  preprocess: {
    train: "decode|resize(28)|random_shift(2)|value_range(-1,1)",
    eval: "decode|resize(28)|value_range(-1,1)",
  },
  batchSize: 64,
  duration: { steps: STEPS[scale] },
  model,
  objective: { name: "classification" },
  optimizer: {
    name: "adam",
    lr: tuned.lr,
    wd: 1e-4,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
});

const patchSize = [7, 7] as const;

const vit: ClaimRecipe["model"] = {
  name: "vit",
  patchSize,
  width: 96,
  depth: 4,
  mlpDim: 192,
  numHeads: 3,
};

const mixer: ClaimRecipe["model"] = {
  name: "mlp-mixer",
  patchSize,
  hiddenDim: 96,
  numBlocks: 4,
  tokensMlpDim: 64,
  channelsMlpDim: 336,
};

/** Shares of the training images: nearly all, and a thirtieth of that. */
const ALL = "train~[10%:]";
const FEW = "train~[10%:13%]";

export default defineClaim({
  name: "mlp-mixer",
  headline:
    "At equal cost a Mixer comes close to a ViT with much data, and falls behind with little.",
  data: { name: "mnist" },
  columns: ["loss", "msPerStep", "parameters"],
  tune: TUNE,
  arms: {
    ViT: (context) => context.train(recipe(context, vit, ALL)),
    Mixer: (context) => context.train(recipe(context, mixer, ALL)),
    "ViT, 1/30 of the data": (context) => context.train(recipe(context, vit, FEW)),
    "Mixer, 1/30 of the data": (context) => context.train(recipe(context, mixer, FEW)),
  },
  checks: [
    {
      text: "with all data Mixer is within 2 points of ViT",
      difference: (of) => of("Mixer") - of("ViT"),
      margin: -0.02,
    },
    {
      text: "ViT's lead is larger with little data than with all",
      difference: (of) =>
        of("ViT, 1/30 of the data") - of("Mixer, 1/30 of the data") - (of("ViT") - of("Mixer")),
      margin: 0.005,
    },
  ],
});
