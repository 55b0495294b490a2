/**
 * After pre-training on random labels a network learns real ones faster, and much of that is the covariance of its first layer.
 *
 * Metric: accuracy on the test split of photographs after a short fine-tuning, read once by each run. Split: random labels are learned
 * on a ninth of the nine tenths of `train` that are drawn by hash, real ones on another ninth, which shares no picture with it; the last
 * tenth chooses. Budget: three learning rates for every arm. No augmentation and no decay, as in the paper. Arms, sizes and margins are
 * written down before the first full run. Every arm begins with a new classifier.
 *
 * The control draws the filters of the first layer anew as combinations of those that learned random labels with random signs, ± W / √n
 * over n filters: nearly normal, with their covariance, and so aligned with that of the patches as far as theirs is, and of their norm
 * in the mean. All other layers are those of the untrained network.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ArmContext, type ClaimRecipe, defineClaim, openBackbone } from "ocelli";
import { writeNpz } from "ocelli/formats";
import { type HostArray, fromNumbers, toNumbers } from "ocelli/graph";
import { toFlat } from "ocelli/tree";
import { COSINE, EVAL, PHOTOGRAPHS } from "../photographs.ts";

const [RANDOM_PART, REAL_PART] = ["train~[10%:20%]", "train~[20%:30%]"];
const STEPS = { quick: { random: 100, real: 60 }, full: { random: 4000, real: 400 } };

type Context = ArmContext<{ lr: readonly number[] }>;

/** The name of the first layer's filters, [4, 4, 3, filters]. */
const FIRST = "embedding/kernel";

const shared = {
  preprocess: { train: EVAL, eval: EVAL },
  batchSize: 64,
  model: {
    ...{ name: "vit", patchSize: [4, 4], width: 96, depth: 3, mlpDim: 384, numHeads: 3 },
    ...{ posemb: "sincos2d", poolType: "gap" },
  },
} as const satisfies Partial<ClaimRecipe>;

/** Random labels learned, or, at a rate of 0, the untrained network with the same initial values. */
const onRandom = ({ stage, scale }: Context, lr = 1e-3) =>
  stage(lr > 0 ? "random" : "untrained", {
    ...shared,
    split: RANDOM_PART,
    duration: { steps: lr > 0 ? STEPS[scale].random : 1 },
    objective: { name: "random-labels" },
    optimizer: { name: "adam", lr, gradClipNorm: 1, schedule: COSINE },
  });

/** Real labels learned for a while, from weights but for the classifier. */
const onReal = ({ train, scale, tuned }: Context, weights: string) =>
  train({
    ...shared,
    split: REAL_PART,
    duration: { steps: STEPS[scale].real },
    init: { weights, head: "drop" },
    objective: { name: "classification" },
    optimizer: { name: "adam", lr: tuned.lr, gradClipNorm: 1, schedule: COSINE },
  });

/** Signs from a seed: bits of a linear congruential generator. */
function signsOf(seed: number): () => number {
  let state = (seed + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 31 === 0 ? -1 : 1;
  };
}

/** Filters [values, n], as one list, in random combinations of themselves. */
function combined({ shape, dtype, ...given }: HostArray, seed: number): HostArray {
  const values = toNumbers({ shape, dtype, ...given });
  const n = shape.at(-1)!;
  const next = signsOf(seed);
  const signs = Array.from({ length: n * n }, next);
  const mixed = values.map((_, at) => {
    const [row, j] = [at - (at % n), at % n];
    let sum = 0;
    for (let i = 0; i < n; i++) sum += signs[i * n + j] * values[row + i];
    return sum / Math.sqrt(n);
  });
  return fromNumbers(mixed, shape, dtype);
}

/** The untrained network with another first layer, in a file of weights beside its run. */
async function withFirst(context: Context, of: (first: HostArray) => HostArray): Promise<string> {
  const [trained, fresh] = [await onRandom(context), await onRandom(context, 0)];
  const open = async (folder: string) => toFlat<HostArray>((await openBackbone(folder)).params);
  const { [FIRST]: first } = await open(trained.folder);
  const arrays = { ...(await open(fresh.folder)), [FIRST]: of(first) };
  const path = join(trained.folder, "aligned.npz");
  await writeFile(path, writeNpz(arrays));
  return path;
}

const [SCRATCH, RANDOM, ALIGNED] = [
  "from scratch",
  "random labels first",
  "first layer aligned",
] as const;

export default defineClaim({
  name: "random-labels",
  headline:
    "Pre-training on random labels makes learning real ones faster, by way of the first layer.",
  data: PHOTOGRAPHS,
  columns: ["loss", "steps"],
  tune: { lr: [1e-3, 3e-4, 3e-3] },
  arms: {
    [SCRATCH]: async (context) => onReal(context, (await onRandom(context, 0)).folder),
    [RANDOM]: async (context) => onReal(context, (await onRandom(context)).folder),
    [ALIGNED]: async (context) =>
      onReal(context, await withFirst(context, (first) => combined(first, context.seed))),
  },
  checks: [
    {
      text: "after the same short fine-tuning: random labels first over from scratch",
      difference: (of) => of(RANDOM) - of(SCRATCH),
      margin: 0.02,
    },
    {
      text: "the control with an aligned first layer alone over from scratch",
      difference: (of) => of(ALIGNED) - of(SCRATCH),
      margin: 0.01,
    },
  ],
});
