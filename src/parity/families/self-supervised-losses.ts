/** @file Cases of self-supervised losses: the outputs' names say which, and `constructor` holds their temperatures and weights. */

import type { Engine } from "../../engines/engine.ts";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  concatenate,
  indexAxis,
  mean,
  scalar,
  stack,
  valueAndGrad,
  add,
  stopGradient,
} from "../../graph/index.ts";
import {
  barlowTwins,
  batchContrast,
  batchHard,
  firstIsRight,
  hiddenPatches,
  hiddenTokens,
  koLeo,
  maskedPatches,
  maskedSiamese,
  negativeCosine,
  nextCentre,
  ntXent,
  pairsOfViews,
  prototypeScores,
  queueLogits,
  regression,
  sinkhorn,
  softmaxEntropy,
  standardisedPatches,
  supervisedContrast,
  semiHard,
  swappedPrediction,
  teacherProbabilities,
  viewsAgainstTeacher,
  vicReg,
} from "../../losses/self-supervised/index.ts";
import { type Case, type JsonObject, inputOf, numberAt, objectAt, under } from "../case.ts";
import type { Computed } from "../compare.ts";
import { compileNamed } from "../compute.ts";

type Named = Readonly<Record<string, Tensor>>;

/** A loss by its recorded name: `loss`, of which gradients are taken, and what it is made of. */
type NamedLoss = (take: (name: string) => Tensor, option: (name: string) => number) => Named;

const views = (x: Tensor): Tensor[] =>
  Array.from({ length: x.shape[0] }, (_, view) => indexAxis(x, 0, view));
const bothWays = (one: Tensor, other: Tensor): Tensor => add(mean(one), mean(other));

const triplets =
  (soft: boolean): NamedLoss =>
  (take, option) => {
    const labels = concatenate([take("labels"), take("labels")], 0);
    const z = concatenate([take("z1"), take("z2")], 0);
    const { loss, positive, negative } = batchHard(z, labels, {
      margin: soft ? "soft" : option("margin"),
    });
    return { loss: mean(loss), hardest_positive: positive, hardest_negative: negative };
  };

const masked =
  (target: (pixels: Tensor) => Tensor): NamedLoss =>
  (take) => ({
    loss: hiddenPatches(take("pred_pixels"), target(take("pixels")), take("pixel_mask")),
  });

const LOSSES: Readonly<Record<string, NamedLoss>> = {
  ntxent(take, option) {
    const rows = ntXent(take("z1"), take("z2"), { temperature: option("tau") });
    return { loss: mean(rows), per_row: rows };
  },
  byol: (take) => ({
    loss: bothWays(regression(take("p1"), take("z2")), regression(take("p2"), take("z1"))),
  }),
  simsiam: (take) => ({
    loss: bothWays(negativeCosine(take("p1"), take("z2")), negativeCosine(take("p2"), take("z1"))),
  }),
  moco(take, option) {
    const logits = queueLogits(
      take("z1"),
      stopGradient(take("z2")),
      take("queue"),
      option("moco_tau"),
    );
    return { loss: mean(firstIsRight(logits)), logits };
  },
  mocov3(take, option) {
    const direction = (query: string, key: string) =>
      batchContrast(take(query), stopGradient(take(key)), { temperature: option("tau") });
    return { loss: bothWays(direction("p1", "z2"), direction("p2", "z1")) };
  },
  swav(take, option) {
    const crops = views(take("crops"));
    const scores = crops.map((crop) => prototypeScores(crop, take("prototypes")));
    const globals = scores.slice(0, crops.length - option("local_crops"));
    const codes = globals.map((one) => sinkhorn(one, { epsilon: option("eps") }));
    const loss = swappedPrediction(scores, { temperature: option("swav_tau"), codes });
    return { loss: mean(loss), assignments: stack(codes, 0), scores: stack(scores, 0) };
  },
  dino(take, option) {
    const [student, teacher] = [views(take("student")), take("teacher")];
    const targets = views(teacherProbabilities(teacher, take("center"), option("t_temp")));
    const loss = viewsAgainstTeacher(student, targets, option("s_temp"));
    return {
      loss: mean(loss),
      new_center: nextCentre(take("center"), teacher, option("c_mom")),
      terms: scalar(pairsOfViews(targets.length, student.length).length, "int32"),
    };
  },
  ibot(take, option) {
    const teacher = take("patch_teacher");
    const target = teacherProbabilities(teacher, take("patch_center"), option("t_temp"));
    return {
      loss: mean(maskedPatches(take("patch_logits"), target, take("patch_mask"), option("s_temp"))),
      new_center: nextCentre(take("patch_center"), teacher, option("c_mom")),
    };
  },
  beit: (take) => ({
    loss: hiddenTokens(take("patch_logits"), take("patch_targets"), take("patch_mask")),
  }),
  msn(take, option) {
    const { loss, crossEntropy, meanEntropy } = maskedSiamese(
      take("msn_anchor"),
      take("msn_target"),
      take("prototypes"),
      {
        temperature: option("msn_tau"),
        targetTemperature: option("msn_tau_target"),
        entropyWeight: option("msn_lambda"),
      },
    );
    return { loss, cross_entropy: crossEntropy, mean_entropy: meanEntropy };
  },
  barlow_twins(take, option) {
    const { loss, onDiagonal, offDiagonal, correlation } = barlowTwins(
      take("z1"),
      take("z2"),
      option("bt_lambda"),
    );
    return {
      ...{ loss, cross_correlation: correlation },
      ...{ on_diagonal: onDiagonal, off_diagonal: offDiagonal },
    };
  },
  vicreg: (take) => ({ ...vicReg(take("z1"), take("z2")) }),
  mae: masked((pixels) => pixels),
  mae_normpix: masked(standardisedPatches),
  supcon(take, option) {
    const labels = concatenate([take("labels"), take("labels")], 0);
    const z = concatenate([take("z1"), take("z2")], 0);
    return { loss: mean(supervisedContrast(z, labels, option("supcon_tau"))) };
  },
  triplet_batch_hard: triplets(false),
  triplet_batch_hard_softplus: triplets(true),
  triplet_semi_hard(take, option) {
    const labels = concatenate([take("labels"), take("labels")], 0);
    const z = concatenate([take("z1"), take("z2")], 0);
    return { loss: semiHard(z, labels, option("margin")) };
  },
  koleo: (take) => ({ loss: koLeo(take("z1")) }),
  entropy: (take) => ({ loss: mean(softmaxEntropy(take("patch_logits"))) }),
};

/** Outputs and gradients of one loss, under the names they are recorded by. */
function evaluateLoss(name: string, wrt: readonly string[], inputs: Named, options: JsonObject) {
  if (!Object.hasOwn(LOSSES, name)) {
    throw new OcelliError("unsupported", `the loss ${name} is not known.`, {
      given: name,
      valid: Object.keys(LOSSES),
    });
  }
  const option = (key: string): number => {
    const value = numberAt(options, key);
    if (value !== undefined) return value;
    throw new OcelliError("format", `case.json: constructor has no number ${key} for ${name}.`);
  };
  const { aux, grads } = valueAndGrad((given: Named) => {
    const all = { ...inputs, ...given };
    const results = LOSSES[name]((input) => inputOf(all, input), option);
    return [results.loss, results] as const;
  })(Object.fromEntries(wrt.map((input) => [input, inputOf(inputs, input)])));
  return [
    ...Object.entries(aux).map(([key, x]) => [`out/${name}/${key}`, x] as const),
    ...wrt.map((input) => [`grads/${name}/${input}`, grads[input]] as const),
  ];
}

/** Computes a case of self-supervised losses, each with the gradients that are recorded of it. */
export async function computeSelfSupervised(
  { inputs, outputs, grads, description }: Case,
  engine: Engine,
): Promise<Computed> {
  const wanted = Object.keys(grads[""] ?? {}).map((name) => name.split("/"));
  const names = new Set([...Object.keys(outputs), ...wanted.map(([name]) => name)].map(firstPart));
  const options = objectAt(description, "constructor");
  const run = compileNamed(engine, (given) =>
    Object.fromEntries(
      [...names].flatMap((name) => {
        const wrt = wanted.filter(([of]) => of === name).map(([, ...input]) => input.join("/"));
        return evaluateLoss(name, wrt, given, options);
      }),
    ),
  );
  const results = await run(inputs);
  return { outputs: under(results, "out/"), grads: { "": under(results, "grads/") } };
}

const firstPart = (name: string): string => name.split("/")[0];
