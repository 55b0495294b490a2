/**
 * Group normalisation with standardised weights trains at batch 2, where batch normalisation fails.
 *
 * Metric: accuracy on the test split of photographs, read once by each run. Split: nine tenths of `train` by hash train, the
 * other tenth chooses the learning rate. Budget: five rates for each arm, the same ones, for a batch of 256 and scaled
 * with the batch as published. Every arm sees equally many images. Sizes, rates and margins are written down before the first
 * full run on photographs.
 *
 * The baseline is the same network with batch normalisation and plain convolutions; on both sides the last normalisation of
 * each block begins at 0. Width 1, so that a group has two channels or more; four stages take 32 pixels to a last map of
 * 1 × 1, where batch normalisation has two values a channel at batch 2. Earlier runs on digits, with two stages of half the
 * width, left it dozens of values, and both sides trained.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { COSINE, EVAL, PHOTOGRAPHS, TRAIN } from "../photographs.ts";

/** At batch 2 two cores train 34 pictures a second on xla-cpu, 9 on ort: 16 trainings of six minutes with `--engine xla-cpu`. */
const PICTURES = { quick: 6400, full: 12_800 };
const TUNE = { lr: [0.3, 0.03, 0.1, 1, 3] };
const SIZE = { width: 1, depth: [1, 1, 1, 1] } as const;
const MODELS = {
  "GN + WS": { name: "bit", ...SIZE },
  BN: { name: "resnet", ...SIZE, zeroInitLast: true },
} as const satisfies Readonly<Record<string, ClaimRecipe["model"]>>;
type Norm = keyof typeof MODELS;
const BATCHES = [2, 64] as const;

const arm =
  (norm: Norm, batchSize: number) =>
  ({ train, scale, tuned }: ArmContext<typeof TUNE>) =>
    train({
      preprocess: { train: TRAIN, eval: EVAL },
      batchSize,
      duration: { examples: PICTURES[scale] },
      model: MODELS[norm],
      objective: { name: "classification" },
      optimizer: {
        name: "momentum",
        momentum: 0.9,
        lr: (tuned.lr * batchSize) / 256,
        gradClipNorm: 1,
        schedule: COSINE,
      },
    });

const name = (norm: Norm, batch: number): string => `${norm}, batch ${batch}`;
const norms = Object.keys(MODELS) as Norm[];

export default defineClaim({
  name: "bit",
  headline:
    "Group normalisation with standardised weights does not need a large batch; batch normalisation does.",
  data: PHOTOGRAPHS,
  columns: ["loss", "msPerStep"],
  tune: TUNE,
  arms: Object.fromEntries(
    BATCHES.flatMap((batch) => norms.map((norm) => [name(norm, batch), arm(norm, batch)] as const)),
  ),
  checks: [
    {
      text: "at batch 2 GN + WS is more accurate than BN",
      difference: (of) => of(name("GN + WS", 2)) - of(name("BN", 2)),
      margin: 0.05,
    },
    {
      text: "BN loses more from batch 64 to 2 than GN + WS does",
      difference: (of) =>
        of(name("BN", 64)) - of(name("BN", 2)) - (of(name("GN + WS", 64)) - of(name("GN + WS", 2))),
      margin: 0.05,
    },
  ],
  plots: [
    {
      title: "Accuracy over the batch size",
      axis: "batch size",
      log: true,
      lines: Object.fromEntries(
        norms.map((norm) => [norm, BATCHES.map((batch) => ({ x: batch, arm: name(norm, batch) }))]),
      ),
    },
  ],
});
