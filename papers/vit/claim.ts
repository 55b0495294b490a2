/**
 * The more data a ViT is pre-trained on, the more it gains by it, until it passes a BiT of equal cost that led without.
 *
 * Metric: accuracy on the test split in negative, read once by each run. Task: fine-tuning the whole model on a hundredth
 * of the training images in negative, after pre-training on 0, 1, 9 or 89 hundredths of the others as they are. Split: the
 * first tenth of `train` by hash chooses the rate of fine-tuning. Budget: three rates for each arm, the same ones;
 * pre-training has one rate and one number of steps for all. Written down before the first full run: the sizes below, by which
 * a picture costs ViT 5.0 and BiT 4.9 million multiply-adds, and the margins.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";

const PRETRAINING = { quick: 300, full: 2000 };
const FINE_TUNING = { quick: 100, full: 300 };
const TUNE = { lr: [1e-3, 3e-4, 3e-3] };
type Context = ArmContext<typeof TUNE>;

const TASK = "train~[10%:11%]";
/** What is pre-trained on, by its size in percent of the training images. */
const POOLS = { 1: "train~[11%:12%]", 9: "train~[11%:20%]", 89: "train~[11%:]" } as const;
type Pool = keyof typeof POOLS;

const MODELS = {
  ViT: { name: "vit", patchSize: [7, 7], width: 96, depth: 4, mlpDim: 192, numHeads: 3 },
  BiT: { name: "bit", width: 0.5, depth: [1, 1, 1] },
} as const satisfies Readonly<Record<string, ClaimRecipe["model"]>>;
type Model = keyof typeof MODELS;

const recipe = (model: Model, lr: number, steps: number, range: string): ClaimRecipe => ({
  preprocess: {
    train: `decode|resize(28)|random_shift(2)|value_range(${range})`,
    eval: `decode|resize(28)|value_range(${range})`,
  },
  batchSize: 64,
  duration: { steps },
  model: MODELS[model],
  objective: { name: "classification" },
  optimizer: {
    name: "adam",
    lr,
    wd: 1e-4,
    gradClipNorm: 1,
    schedule: { decayType: "cosine", warmup: { percent: 10 } },
  },
});

/** Fine-tunes from pre-training on a pool, or from scratch. */
const arm =
  (model: Model, pool?: Pool) =>
  async ({ train, stage, scale, tuned }: Context) => {
    const before = pool && {
      ...recipe(model, 1e-3, PRETRAINING[scale], "-1,1"),
      split: POOLS[pool],
    };
    const init = before && (await stage(`${model}-${pool}`, before)).folder;
    return train({
      ...recipe(model, tuned.lr, FINE_TUNING[scale], "1,-1"),
      split: TASK,
      ...(init !== undefined && { init }),
    });
  };

const name = (model: Model, pool: Pool | 0): string =>
  pool === 0 ? `${model}, from scratch` : `${model}, pre-trained on ${pool} %`;

type Of = (arm: string, value?: string) => number;
const gain = (of: Of, model: Model, pool: Pool): number =>
  of(name(model, pool)) - of(name(model, 0));

export default defineClaim({
  name: "vit",
  headline:
    "A ViT's gain from pre-training grows with its data, until it passes a ResNet of equal cost.",
  data: { name: "mnist" },
  columns: ["loss", "msPerStep", "parameters"],
  tune: TUNE,
  arms: Object.fromEntries(
    (["ViT", "BiT"] as const).flatMap((model) => [
      [name(model, 0), arm(model)] as const,
      ...([1, 9, 89] as const).map((pool) => [name(model, pool), arm(model, pool)] as const),
    ]),
  ),
  checks: [
    {
      text: "ViT gains more from 89 % than from 1 %",
      difference: (of) => gain(of, "ViT", 89) - gain(of, "ViT", 1),
      margin: 0.02,
    },
    {
      text: "its gain grows at each step from 1 to 9 to 89 % (the smaller growth)",
      difference: (of) =>
        Math.min(gain(of, "ViT", 9) - gain(of, "ViT", 1), gain(of, "ViT", 89) - gain(of, "ViT", 9)),
      margin: 0,
    },
    {
      text: "from scratch BiT is ahead of ViT",
      difference: (of) => of(name("BiT", 0)) - of(name("ViT", 0)),
      margin: 0.01,
    },
    {
      text: "pre-trained on 89 % ViT is ahead of BiT",
      difference: (of) => of(name("ViT", 89)) - of(name("BiT", 89)),
      margin: 0,
    },
  ],
});
