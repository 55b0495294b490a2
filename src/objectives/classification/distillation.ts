/**
 * @file Distillation: a model learns to answer as a teacher does.
 *
 * Paper: Beyer et al. 2022, "Knowledge distillation: A good teacher is patient and consistent", arXiv:2106.05237.
 */

import { z } from "zod";
import { lateSchema } from "../../define.ts";
import { OcelliError } from "../../errors.ts";
import { type Tensor, argMax, equal, foldIn, mul, oneHot, softmax } from "../../graph/index.ts";
import {
  correctness,
  hotLabels,
  maskedMean,
  mix,
  mixupCoefficient,
  softmaxXent,
} from "../../losses/index.ts";
import { type ImageModel, modelChoice } from "../../models/index.ts";
import { type Scope, apply, initialise, modelSpecs } from "../../nn/index.ts";
import type { Tree } from "../../tree.ts";
import { defineObjective } from "../define.ts";
import type { Objective } from "../objective.ts";
import type { Teacher } from "../teacher.ts";

const distillationSchema = z.strictObject({
  /** A run folder or checkpoint; or a model, and weights as `--model` of `ocelli transfer` takes them. */
  teacher: z.union([
    z.string(),
    z.strictObject({
      /** The teacher's model. */
      model: lateSchema(modelChoice),
      /** Its weights. */
      weights: z.string(),
    }),
  ]),
  /** The field of a batch that the teacher sees. Default: `image`, what the student sees. */
  teacherImage: z.string().optional(),
  /** Whether the teacher answers before images are mixed, and its answers are mixed as labels are. Default: false. */
  fixed: z.boolean().optional(),
  /** The teacher's distribution, or its best class alone. Default: "soft". */
  targets: z.enum(["soft", "hard"]).optional(),
  /** What logits of both are divided by, for soft targets. Default: 1. */
  temperature: z.number().positive().optional(),
  /** Mixup with λ ~ Beta(p, p), the same for both. Default: none. */
  mixup: z
    .strictObject({
      /** Of the Beta distribution; 0 mixes nothing. */
      p: z.number().min(0),
    })
    .optional(),
});

/** Options of {@link distillation}. */
export type DistillationOptions = Omit<z.infer<typeof distillationSchema>, "teacher">;

/** Distillation in a configuration. */
export const distillationObjective = defineObjective({
  name: "distillation",
  schema: distillationSchema,
  task: "classification",
  async create({ teacher: from, ...options }, { model, batch, openTeacher }) {
    const { teacherImage: view = "image" } = options;
    const seen = teacherView(batch, view);
    if (seen.dtype !== "float32") {
      throw new OcelliError(
        "config",
        `objective.teacherImage: the pixels of ${view} are not scaled.`,
        {
          hint: `Add an operation such as value_range(-1,1, key=${view}) to preprocess.train.`,
        },
      );
    }
    return distillation(model, await openTeacher(from, seen, "objective.teacher"), options);
  },
});

/** Where the teacher lies among the variables. */
const TEACHER = "teacher";

/**
 * The objective of a student: the Kullback–Leibler divergence of its answer from its teacher's, times temperature², so
 * that the gradient's size does not depend on it. The teacher sees what the student sees, crop and mixup included
 * ("consistent"), stays as it is, and lies in `variables/teacher`. Batches are those of classification; labels count
 * for the metric alone. Metrics: loss, `agreement` (the part on which both have the same best class) and, where images
 * are not mixed, accuracy.
 *
 * @throws a configuration error for a temperature of hard targets
 */
export function distillation(
  model: ImageModel,
  teacher: Teacher,
  options: DistillationOptions = {},
): Objective {
  const { teacherImage: view = "image", fixed = false, mixup, targets = "soft" } = options;
  if (targets === "hard" && options.temperature !== undefined) {
    throw new OcelliError(
      "config",
      "objective.temperature is for soft targets, not for hard ones.",
    );
  }
  const { temperature = 1 } = options;
  const forward = (scope: Scope, image: Tensor): Tensor => model(scope, image)[0];
  const answer = (scope: Scope, image: Tensor): Tensor => teacher.model(scope, image)[0];
  const target = (logits: Tensor): Tensor =>
    targets === "soft"
      ? softmax(mul(logits, 1 / temperature), 1)
      : oneHot(argMax(logits, 1), logits.shape[1]);

  return {
    given: teacher.arrays,
    init(key, batch, given) {
      const { params, variables } = initialise(forward, key, batch.image);
      const held = given ?? initialise(answer, foldIn(key, 0), teacherView(batch, view));
      return { params, variables: { ...variables, [TEACHER]: held } };
    },
    stacked: ({ image }) => modelSpecs(forward, image).stacked,
    served: ({ params, variables }) => ({ params, variables: withoutTeacher(variables)[1] }),
    loss({ params, variables, batch, key, train, isFrozen }) {
      const [held, own] = withoutTeacher<Tensor>(variables);
      const seen = teacherView(batch, view);
      const p = mixup?.p ?? 0;
      const lambda = train && p > 0 ? mixupCoefficient(foldIn(key, 0), p) : undefined;
      const mixed = (x: Tensor): Tensor => (lambda ? mix(x, lambda) : x);
      const { result: theirs } = apply(answer, held, fixed ? seen : mixed(seen));
      const { result: logits, variables: next } = apply(
        forward,
        { params, variables: own, key: foldIn(key, 1), train, isFrozen },
        mixed(batch.image),
      );
      sameClasses(logits, theirs);
      const aims = fixed ? mixed(target(theirs)) : target(theirs); // [batch, classes]
      const divergence = softmaxXent(mul(logits, 1 / temperature), aims, { kl: true }); // [batch]
      const mean = (values: Tensor): Tensor => maskedMean(values, batch.mask);
      const metrics: Record<string, Tensor> = {
        agreement: mean(equal(argMax(logits, 1), argMax(aims, 1))),
      };
      if (!lambda) {
        const hot = hotLabels(batch.label, logits);
        metrics.accuracy = mean(correctness(logits, batch.label, hot));
      }
      return {
        loss: mul(mean(divergence), temperature ** 2),
        metrics,
        variables: { ...next, [TEACHER]: variables[TEACHER] },
      };
    },
  };
}

/** The teacher's arrays, and the student's own variables. */
function withoutTeacher<T>(
  variables: Tree<T>,
): readonly [held: { params: Tree<T>; variables?: Tree<T> }, own: { [name: string]: Tree<T> }] {
  const { [TEACHER]: held, ...own } = variables as Record<string, Tree<T>>;
  return [held as { params: Tree<T> }, own];
}

/** The array of a batch that the teacher sees; a configuration error where there is none. */
function teacherView<T>(batch: Readonly<Record<string, T>>, view: string): T {
  if (Object.hasOwn(batch, view)) return batch[view];
  throw new OcelliError("config", `objective.teacherImage: a batch has no "${view}".`, {
    given: view,
    valid: Object.keys(batch),
    hint: `Add copy(image, ${view}) to preprocess.train.`,
  });
}

function sameClasses(student: Tensor, teacher: Tensor): void {
  const [ours, theirs] = [student.shape[1], teacher.shape[1]];
  if (ours === theirs) return;
  throw new OcelliError("config", `the teacher knows ${theirs} classes, the student ${ours}.`);
}
