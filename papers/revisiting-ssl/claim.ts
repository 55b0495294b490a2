/**
 * Which of four pretext tasks is best depends on the network that learns it, and a wider network has better features.
 *
 * Metric: accuracy on the test split of photographs of a linear probe from 10,000 labels. Split: pretexts see nine tenths of `train`,
 * drawn by hash, without labels; nothing is tuned, so that the other tenth is not used. Budget: none; the same steps for every pretext,
 * the same rate for every arm. Networks, steps, rate and margins are written down before the first full run. The order changes where
 * two pretexts stand one way round on one network and the other way round on the other, by the margin on both.
 */

import { type ArmContext, type ClaimRecipe, defineClaim } from "ocelli";
import { withViews } from "ocelli/preprocess";
import { COSINE, EVAL, PHOTOGRAPHS } from "../photographs.ts";

const KNOWN = "train~[10%:30%]";
const STEPS = { quick: 40, full: 800 };

const CROP = "random_resized_crop(32,20)|flip_lr";
const GREY = `${CROP}|random_grayscale(0.66)`;

const NETWORKS = {
  resnet: { name: "resnet", depth: [1, 1, 1], width: 0.5 },
  wide: { name: "resnet", depth: [1, 1, 1], width: 1 },
  vit: {
    name: "vit",
    patchSize: [4, 4],
    width: 96,
    depth: 4,
    mlpDim: 384,
    numHeads: 3,
    posemb: "sincos2d",
    poolType: "gap",
  },
} as const satisfies Readonly<Record<string, ClaimRecipe["model"]>>;

interface Pretext {
  readonly objective: ClaimRecipe["objective"];
  readonly views: readonly string[];
  readonly batchSize: number;
}

/** Batches are such that a step sees 256 pictures or their patches. */
const PRETEXTS = {
  rotation: { objective: { name: "rotation" }, views: [CROP], batchSize: 64 },
  exemplar: {
    objective: { name: "exemplar", outputs: 128 },
    views: [GREY, GREY, GREY, GREY],
    batchSize: 64,
  },
  "relative patch": {
    objective: { name: "relative-patch", patch: 8, outputs: 128, hidden: 512 },
    views: [GREY],
    batchSize: 128,
  },
  jigsaw: {
    objective: { name: "jigsaw", patch: 8, outputs: 128, hidden: 512 },
    views: [GREY],
    batchSize: 128,
  },
} as const satisfies Readonly<Record<string, Pretext>>;

type Name = keyof typeof PRETEXTS;
type Network = keyof typeof NETWORKS;

const armOf = (pretext: Name, network: Network): string => `${pretext}, ${network}`;

async function learned({ stage, probe, scale }: ArmContext, pretext: Name, network: Network) {
  const { objective, views, batchSize }: Pretext = PRETEXTS[pretext];
  const run = await stage(armOf(pretext, network), {
    preprocess: { train: withViews(views), eval: EVAL },
    batchSize,
    duration: { steps: STEPS[scale] },
    model: NETWORKS[network],
    objective,
    optimizer: { name: "adamw", lr: 1e-3, weightDecay: 0.05, gradClipNorm: 1, schedule: COSINE },
  });
  const { linear, knn20 } = await probe(run, { split: KNOWN });
  return { values: { ...run.values, linear, knn20 } };
}

const names = Object.keys(PRETEXTS) as Name[];
const compared = ["resnet", "vit"] as const;

/** By how much the two pretexts whose order changes most are apart on either network. */
const swap = (of: (arm: string) => number): number =>
  Math.max(
    ...names.flatMap((a) =>
      names.map((b) => {
        const [one, other] = compared.map(
          (network) => of(armOf(a, network)) - of(armOf(b, network)),
        );
        return Math.min(one, -other);
      }),
    ),
  );

export default defineClaim({
  name: "revisiting-ssl",
  headline:
    "The best pretext task depends on the network, and wider networks have better features.",
  data: PHOTOGRAPHS,
  evaluator: "objective",
  metric: "linear",
  columns: ["knn20", "loss"],
  arms: Object.fromEntries([
    ...names.flatMap((pretext) =>
      compared.map((network) => [
        armOf(pretext, network),
        (context: ArmContext) => learned(context, pretext, network),
      ]),
    ),
    [armOf("rotation", "wide"), (context: ArmContext) => learned(context, "rotation", "wide")],
  ]),
  checks: [
    {
      text: "two pretexts change places between the ResNet and the ViT, apart by at least this on both",
      difference: swap,
      margin: 0.01,
    },
    {
      text: "rotation on the wider ResNet over the narrow one",
      difference: (of) => of(armOf("rotation", "wide")) - of(armOf("rotation", "resnet")),
      margin: 0.01,
    },
  ],
});
