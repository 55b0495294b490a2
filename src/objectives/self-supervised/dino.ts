/**
 * @file DINO and iBOT: a student predicts the distribution of a teacher that averages it, from other views and, in iBOT, at
 * hidden patches.
 *
 * Papers: Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", arXiv:2104.14294; Zhou et al. 2022,
 * "iBOT", arXiv:2111.07832; the regulariser KoLeo as in Oquab et al. 2023 (DINOv2), arXiv:2304.07193. Loss: the cross-entropy of
 * softmax((teacher − centre)/τ_t) and softmax(student/τ_s), the mean over pairs of different views; centre ← 0.9 centre + 0.1 mean.
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  type TensorLike,
  add,
  convert,
  div,
  foldIn,
  minimum,
  mul,
  softmax,
  zeros,
} from "../../graph/index.ts";
import {
  entropyOf,
  keptRows,
  koLeo,
  maskOfEach,
  maskedMean,
  maskedPatches,
  nextCentre,
  repeatRows,
  rowsOfViews,
  sharedProbabilities,
  teacherProbabilities,
  viewsAgainstTeacher,
} from "../../losses/index.ts";
import { MASK_TOKEN } from "../../models/index.ts";
import { type ObjectiveGiven, defineObjective } from "../define.ts";
import type { Objective } from "../objective.ts";
import { prototypeHead } from "./heads.ts";
import { type PatchGrid, gridOf, hiddenInSome } from "./masks.ts";
import { part, share, temperature, width } from "./option-kinds.ts";
import { type Network, cosineBetween, encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [HEAD, PATCH_HEAD] = ["head_dino", "head_ibot"] as const;
/** How many views the teacher sees. */
const GLOBALS = 2;

const keys = {
  /** Outputs of the head. Default: 65536. */
  outputs: width.optional(),
  /** Width of the head's inner layers. Default: 2048. */
  hidden: width.optional(),
  /** Width of what is compared with the prototypes. Default: 256. */
  bottleneck: width.optional(),
  /** What the student's logits are divided by. Default: 0.1. */
  studentTemperature: temperature.optional(),
  /** What the teacher's are divided by at the end of its warm-up. Default: 0.04. */
  teacherTemperature: temperature.optional(),
  /** What they are divided by at first, with `temperatureWarmup`. Default: 0.04. */
  firstTemperature: temperature.optional(),
  /** Which part of the training the teacher's temperature takes from the first to the last. Default: 0. */
  temperatureWarmup: share.optional(),
  /** How much of the teacher stays at the first update; it rises to 1. Default: 0.996. */
  momentum: share.optional(),
  /** How much of the centre stays at a step. Default: 0.9. */
  centreMomentum: part.optional(),
  /** How much KoLeo counts: the distances of nearest neighbours, of both large views added up; DINOv2 has 0.1. Default: 0. */
  koLeo: z.number().min(0).optional(),
  /** Whether the teacher's outputs are shared equally among a batch by Sinkhorn, as in DINOv2, instead of centred. Default: false. */
  sinkhorn: z.boolean().optional(),
};

const dinoSchema = z.strictObject(keys);

const ibotSchema = z.strictObject({
  ...keys,
  /** How much the loss of hidden patches counts. Default: 1. */
  patchWeight: z.number().min(0).optional(),
  /** The part of the images in which patches are hidden. Default: 0.5. */
  maskProbability: share.optional(),
  /** Between which parts of an image's patches are hidden. Default: [0.1, 0.5]. */
  maskRatio: z.tuple([part, part]).readonly().optional(),
});

type DinoOptions = z.output<typeof dinoSchema>;
type IbotOptions = z.output<typeof ibotSchema>;

/** DINO in a configuration. */
export const dinoObjective = defineObjective({
  name: "dino",
  schema: dinoSchema,
  task: "features",
  create: (options, given) => selfDistillation("dino", options, given),
});

/** iBOT in a configuration; with `koLeo: 0.1` and `sinkhorn` what DINOv2 trains by. */
export const ibotObjective = defineObjective({
  name: "ibot",
  schema: ibotSchema,
  task: "features",
  create: (options, given) => selfDistillation("ibot", options, given, options),
});

/** The teacher's temperature at a step: from the first to the last along a line, and then the last. */
function temperatureAt(options: DinoOptions, totalSteps: number): (step: Tensor) => TensorLike {
  const { teacherTemperature: last = 0.04, firstTemperature: first = 0.04 } = options;
  const steps = (options.temperatureWarmup ?? 0) * totalSteps;
  if (options.firstTemperature !== undefined && !options.temperatureWarmup) {
    throw new OcelliError("config", "objective.firstTemperature needs temperatureWarmup.", {
      hint: "Such as 0.1: the first tenth of the training.",
    });
  }
  if (steps < 1 || first === last) return () => last;
  return (step) => add(mul(minimum(div(convert(step, "float32"), steps), 1), last - first), first);
}

function selfDistillation(
  name: string,
  options: DinoOptions,
  given: ObjectiveGiven,
  patches?: IbotOptions,
): Objective {
  checkViews(name, given, { least: GLOBALS });
  const { outputs = 65_536, hidden = 2048, bottleneck = 256, momentum = 0.996 } = options;
  const { studentTemperature: tau = 0.1, centreMomentum = 0.9, koLeo: spread = 0 } = options;
  const encode = encoderOf(given);
  const shape = { hidden, bottleneck, outputs };
  const grid = patches && gridOf(name, given.model, given.batch.image);
  const network: Network = (scope, image, call) => {
    const { features, out } = encode(scope, image, call);
    const logits = prototypeHead(scope.at(HEAD), features, shape);
    const local = grid && { patches: prototypeHead(scope.at(PATCH_HEAD), out.tokens, shape) };
    return { features, logits, ...local };
  };
  /** The student owns the token of hidden patches, so it is always shown which are hidden. */
  const student: Network = (scope, image, call = {}) =>
    network(
      scope,
      image,
      grid ? { hidden: zeros([image.shape[0], patchCount(image)]), ...call } : call,
    );
  const patchCount = (image: Tensor): number => {
    const [rows, columns] = gridOf(name, given.model, image).grid;
    return rows * columns;
  };
  const heat = temperatureAt(options, given.totalSteps);
  return makeSystem({
    own: [HEAD, PATCH_HEAD, MASK_TOKEN],
    student,
    teacher: network,
    momentum: cosineBetween(momentum, 1, given.totalSteps),
    state: () => ({
      centre: zeros([outputs]),
      ...(grid && { patchCentre: zeros([outputs]) }),
    }),
    loss({ batch, key, step, train, student: see, teacher, state }) {
      const views = viewsOf(batch, GLOBALS, train);
      const globals = views.slice(0, GLOBALS);
      const theirs = globals.map((view) => teacher(view));
      const hides = globals.map((_, i) =>
        grid ? hiddenIn(patches!, grid, batch.image.shape[0], foldIn(key, i)) : undefined,
      );
      const ours = views.map((view, i) => see(view, hides[i] && { hidden: hides[i] }));
      const warm = heat(step);
      const examples = batch.mask && convert(batch.mask, "float32");
      const aims = (logits: readonly Tensor[], centre: Tensor, masks: readonly Tensor[]) =>
        options.sinkhorn
          ? sharedProbabilities(logits, warm, masks)
          : logits.map((one) => teacherProbabilities(one, centre, warm));
      const targets = aims(
        theirs.map(({ logits }) => logits),
        state.centre,
        examples ? globals.map(() => examples) : [],
      );
      const rows = viewsAgainstTeacher(
        ours.map(({ logits }) => logits),
        targets,
        tau,
      );
      const mean = (values: Tensor): Tensor => maskedMean(values, batch.mask);
      let loss = mean(rows);
      const metrics: Record<string, Tensor> = { teacherEntropy: mean(entropyOf(targets[0])) };
      if (grid) {
        const { patchWeight = 1 } = patches!;
        const patchTargets = aims(
          theirs.map((one) => one.patches),
          state.patchCentre,
          hides.map((hidden) => keptRows(hidden!, examples)),
        );
        const terms = patchTargets.map((target, i) =>
          mean(maskedPatches(ours[i].patches, target, hides[i]!, tau)),
        );
        metrics.patchLoss = mul(terms.reduce(add), 1 / terms.length);
        loss = add(loss, mul(metrics.patchLoss, patchWeight));
      }
      if (spread > 0) {
        const terms = ours
          .slice(0, GLOBALS)
          .map(({ features }) => koLeo(features, { mask: examples }));
        metrics.koLeo = terms.reduce(add); // DINOv2 adds both views up
        loss = add(loss, mul(metrics.koLeo, spread));
      }
      const centre = (held: Tensor, which: "logits" | "patches"): Tensor => {
        const rows = rowsOfViews(theirs.map((one) => one[which]));
        const kept = examples && repeatRows(examples, GLOBALS);
        const mask = kept && maskOfEach(kept, rows.shape[0] / kept.shape[0]);
        return nextCentre(held, rows, centreMomentum, mask);
      };
      const next = train && {
        centre: centre(state.centre, "logits"),
        ...(grid && { patchCentre: centre(state.patchCentre, "patches") }),
      };
      return {
        ...{ loss, metrics, features: ours[0].features, others: ours[1].features },
        outputs: softmax(mul(ours[0].logits, 1 / tau), 1),
        ...(next && { state: next }),
      };
    },
  });
}

/** Which patches are hidden in each image: in some images none, in the others a part that is drawn. */
function hiddenIn(
  { maskProbability = 0.5, maskRatio = [0.1, 0.5] }: IbotOptions,
  { grid: [rows, columns] }: PatchGrid,
  batch: number,
  key: Tensor,
): Tensor {
  return hiddenInSome(key, [batch, rows * columns], maskProbability, maskRatio);
}
