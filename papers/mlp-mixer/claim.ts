/**
 * MLP-Mixer against ViT at equal multiply-adds of a step: it comes close with all of the data, and falls behind with little.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: nine tenths of `train` by hash train, or
 * 1,500 images of them; the other tenth chooses the learning rate. Budget: five rates for each arm, the same ones. Both models
 * have 4 patches a side, width 96 and depth 4, and their other widths make the products of a step cost the same. Sizes, rates
 * and margins are written down before the first full run on photographs.
 *
 * Multiply-adds of a block over 16 tokens: ViT 16·(4·96² + 2·96·H) + 2·16²·96 with H = 192, which is 1.23 million; Mixer
 * 2·16·T·96 + 2·16·96·C with T = 64 and C = 336, which is 1.23 million.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

const STEPS = { quick: 300, full: 3000 };
const TUNE = { lr: [1e-3, 1e-4, 3e-4, 3e-3, 1e-2] };
type Context = ArmContext<typeof TUNE>;

const patchSize = [8, 8] as const;
const MODELS = {
  ViT: { name: "vit", patchSize, width: 96, depth: 4, mlpDim: 192, numHeads: 3 },
  Mixer: {
    name: "mlp-mixer",
    patchSize,
    hiddenDim: 96,
    numBlocks: 4,
    tokensMlpDim: 64,
    channelsMlpDim: 336,
  },
} as const satisfies Readonly<Record<string, ClaimRecipe["model"]>>;
type Model = keyof typeof MODELS;

/** Training images: nearly all, and 3 % of CIFAR-10's. */
const SPLITS = { 45000: "train~[10%:]", 1500: "train~[10%:13%]" } as const;
type Images = keyof typeof SPLITS;
const sizes: readonly Images[] = [1500, 45000];

const arm =
  (model: Model, images: Images) =>
  ({ train, scale, tuned }: Context) =>
    train({
      split: SPLITS[images],
      preprocess: { train: TRAIN, eval: EVAL },
      batchSize: 64,
      duration: { steps: STEPS[scale] },
      model: MODELS[model],
      objective: { name: "classification" },
      optimizer: { name: "adam", lr: tuned.lr, wd: 1e-4, gradClipNorm: 1, schedule: COSINE },
    });

const name = (model: Model, images: Images): string => `${model}, ${images} images`;
const models: readonly Model[] = ["ViT", "Mixer"];

type Of = (arm: string, value?: string) => number;
const lead = (of: Of, images: Images): number =>
  of(name("ViT", images)) - of(name("Mixer", images));
const excess = (of: Of, images: Images): number =>
  of(name("Mixer", images), "loss") - of(name("ViT", images), "loss");

export default defineClaim({
  name: "mlp-mixer",
  headline:
    "At equal multiply-adds a Mixer comes close to a ViT with much data, and falls behind with little.",
  data: PHOTOGRAPHS,
  columns: ["loss", "msPerStep", "parameters"],
  tune: TUNE,
  arms: Object.fromEntries(
    sizes.flatMap((images) =>
      models.map((model) => [name(model, images), arm(model, images)] as const),
    ),
  ),
  checks: [
    {
      text: "with all data Mixer is within 2 points of ViT",
      difference: (of) => -lead(of, 45000),
      margin: -0.02,
    },
    {
      text: "ViT's lead is larger with 1,500 images than with all",
      difference: (of) => lead(of, 1500) - lead(of, 45000),
      margin: 0.01,
    },
    {
      text: "Mixer's loss exceeds ViT's by more with 1,500 images than with all (nats)",
      difference: (of) => excess(of, 1500) - excess(of, 45000),
      margin: 0.05,
    },
  ],
  plots: ["accuracy", "loss"].map((value) => ({
    title: `${value} over the images to learn from`,
    axis: "images",
    log: true,
    lines: Object.fromEntries(
      models.map((model) => [
        model,
        sizes.map((images) => ({ x: images, arm: name(model, images), value })),
      ]),
    ),
  })),
});
