/**
 * An encoder taught to caption all words at once has better features than one that captions word after word alone.
 *
 * Metric: accuracy of a linear probe on the encoder's frozen features, of ten drawings of each of nine groups (smileys, food and
 * drink, flags, …) and, beside it, of one and of five (`fewshot`, mean of three draws). Captions are the names in English, German and
 * French. Google's drawings teach encoder and probe; Microsoft's, another hand, choose the rate, and Twitter's judge. Budget:
 * three rates for each arm, the same ones, and equally many steps. Sizes, rates and margins are written down before the first run.
 *
 * Every arm has the published decoder, half as deep as the encoder. An untrained encoder is the baseline.
 */

import { type ArmContext, type ClaimRecipe, type ClaimRun, defineClaim } from "ocelli";
import { COSINE, DRAWINGS, SPLITS, TOKENIZER, pictures } from "../drawings.ts";

const STEPS = { quick: 20, full: 800 };
const TUNE = { lr: [1e-3, 3e-4, 3e-3] };
type Context = ArmContext<typeof TUNE>;

const recipe = (maskedPredProb: number, lr: number, steps: number): ClaimRecipe => ({
  // a caption ends with a mark of its own, which the decoder learns to write
  task: { name: "captioning", tokenizer: { ...TOKENIZER, eos: "sticky", bos: "no", length: 16 } },
  preprocess: pictures(32),
  batchSize: 64,
  duration: { steps },
  model: {
    name: "cappa",
    encoder: { patchSize: [8, 8], width: 128, depth: 4, mlpDim: 256, numHeads: 4 },
    decoder: { depth: 2 },
    maskedPredProb,
    maskingRatio: 1,
  },
  objective: { name: "captioning" },
  optimizer: { name: "adam", lr, wd: 1e-4, gradClipNorm: 1, schedule: COSINE },
});

/** The part of the captions that is predicted at once. */
const ARMS = { parallel: 0.75, captioning: 0 } as const;

/** Drawings of each group that a probe learns from; the evaluator draws them by three seeds. */
const SHOTS = [1, 5, 10] as const;

/** The mean of the draws of each number of drawings, beside all that was measured. */
const withMeans = ({ values }: ClaimRun) => {
  const means = SHOTS.map((shots) => {
    const drawn = Object.keys(values).filter((name) => name.startsWith(`${shots}shot-seed-`));
    return [
      `${shots}shot`,
      drawn.reduce((sum, name) => sum + values[name], 0) / drawn.length,
    ] as const;
  });
  return { values: { ...values, ...(!values.diverged && Object.fromEntries(means)) } };
};

const arm =
  (prob: number) =>
  async ({ train, scale, tuned }: Context) =>
    withMeans(await train(recipe(prob, tuned.lr, STEPS[scale])));

export default defineClaim({
  name: "cappa",
  headline:
    "Captions that are predicted all words at once teach an encoder more than captions word after word.",
  data: DRAWINGS,
  splits: SPLITS,
  evaluator: "fewshot",
  metric: "10shot",
  maximize: true,
  columns: ["1shot", "5shot", "msPerStep"],
  tune: TUNE,
  arms: {
    untrained: async ({ train }: Context) => withMeans(await train(recipe(0, 1e-12, 1))),
    ...Object.fromEntries(Object.entries(ARMS).map(([name, prob]) => [name, arm(prob)] as const)),
  },
  checks: [
    {
      text: "parallel is ahead of captioning alone by a linear probe of ten drawings a group",
      difference: (of) => of("parallel") - of("captioning"),
      margin: 0.01,
    },
    {
      text: "so it is by five drawings a group",
      difference: (of) => of("parallel", "5shot") - of("captioning", "5shot"),
      margin: 0,
    },
    {
      text: "captioning alone is ahead of an untrained encoder",
      difference: (of) => of("captioning") - of("untrained"),
      margin: 0.05,
    },
  ],
});
