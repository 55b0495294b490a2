/**
 * The more data a ViT is pre-trained on, the more it gains by it, and the more it closes the gap to a BiT of equal cost.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Task: fine-tuning the whole model, with a new
 * head, on 500 training images, after pre-training on 500, 5,000 or 44,500 others (1, 10 or 89 % of `train`). Split: the first
 * tenth of `train` by hash chooses the rate of fine-tuning. Budget: five rates for each arm, the same ones; pre-training has one
 * rate and sees equally many images, whatever the pool. Cost is counted in multiply-adds: an image costs ViT 6.4 million and
 * BiT 6.4 million. Sizes, rates and margins are written down before the first full run on photographs.
 *
 * That the ViT passes the BiT takes far more images than these (from 14 to 300 million in the paper), and is not asked for.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

const PRETRAINING = { quick: 300, full: 3000 };
const FINE_TUNING = { quick: 100, full: 300 };
const TUNE = { lr: [1e-3, 1e-4, 3e-4, 3e-3, 1e-2] };
type Context = ArmContext<typeof TUNE>;

const TASK = "train~[10%:11%]";
/** What is pre-trained on, by the number of its images. */
const POOLS = { 500: "train~[11%:12%]", 5000: "train~[11%:21%]", 44500: "train~[11%:]" } as const;
type Pool = keyof typeof POOLS;
const pools: readonly Pool[] = [500, 5000, 44500];

const MODELS = {
  ViT: { name: "vit", patchSize: [8, 8], width: 96, depth: 4, mlpDim: 288, numHeads: 3 },
  BiT: { name: "bit", width: 0.5, depth: [1, 1, 1] },
} as const satisfies Readonly<Record<string, ClaimRecipe["model"]>>;
type Model = keyof typeof MODELS;

const recipe = (model: Model, lr: number, steps: number): ClaimRecipe => ({
  preprocess: { train: TRAIN, eval: EVAL },
  batchSize: 64,
  duration: { steps },
  model: MODELS[model],
  objective: { name: "classification" },
  optimizer: { name: "adam", lr, wd: 1e-4, gradClipNorm: 1, schedule: COSINE },
});

/** Fine-tunes from pre-training on a pool, or from scratch. */
const arm =
  (model: Model, pool?: Pool) =>
  async ({ train, stage, scale, tuned }: Context) => {
    const before = pool && { ...recipe(model, 1e-3, PRETRAINING[scale]), split: POOLS[pool] };
    const weights = before && (await stage(`${model}-${pool}`, before)).folder;
    return train({
      ...recipe(model, tuned.lr, FINE_TUNING[scale]),
      split: TASK,
      ...(weights !== undefined && { init: { weights, head: "drop" as const } }),
    });
  };

const name = (model: Model, pool: Pool | 0): string =>
  pool === 0 ? `${model}, from scratch` : `${model}, pre-trained on ${pool}`;

type Of = (arm: string, value?: string) => number;
const gain = (of: Of, model: Model, pool: Pool): number =>
  of(name(model, pool)) - of(name(model, 0));
const lead = (of: Of, pool: Pool | 0): number => of(name("BiT", pool)) - of(name("ViT", pool));

export default defineClaim({
  name: "vit",
  headline:
    "A ViT's gain from pre-training grows with its data, and closes the gap to a ResNet of equal multiply-adds.",
  data: PHOTOGRAPHS,
  columns: ["loss", "msPerStep", "parameters"],
  tune: TUNE,
  arms: Object.fromEntries(
    (["ViT", "BiT"] as const).flatMap((model) => [
      [name(model, 0), arm(model)] as const,
      ...pools.map((pool) => [name(model, pool), arm(model, pool)] as const),
    ]),
  ),
  checks: [
    {
      text: "ViT gains more from 44,500 images than from 500",
      difference: (of) => gain(of, "ViT", 44500) - gain(of, "ViT", 500),
      margin: 0.03,
    },
    {
      text: "its gain grows at each step from 500 to 5,000 to 44,500 (the smaller growth)",
      difference: (of) =>
        Math.min(
          gain(of, "ViT", 5000) - gain(of, "ViT", 500),
          gain(of, "ViT", 44500) - gain(of, "ViT", 5000),
        ),
      margin: 0.01,
    },
    {
      text: "BiT's lead is smaller with 44,500 images than from scratch",
      difference: (of) => lead(of, 0) - lead(of, 44500),
      margin: 0.05,
    },
  ],
  plots: [
    {
      title: "Accuracy of the task over the images of pre-training",
      axis: "images pre-trained on",
      log: true,
      lines: Object.fromEntries(
        (["ViT", "BiT"] as const).map((model) => [
          model,
          pools.map((pool) => ({ x: pool, arm: name(model, pool) })),
        ]),
      ),
    },
  ],
});
