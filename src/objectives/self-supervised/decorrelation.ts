/**
 * @file Barlow Twins and VICReg: two views are to be alike, and features of their own.
 *
 * Papers: Zbontar et al. 2021, arXiv:2103.03230: Σᵢ (1 − Cᵢᵢ)² + λ Σ_{i≠j} Cᵢⱼ². Bardes et al. 2022, arXiv:2105.04906:
 * 25 · invariance + 25 · variance + 1 · covariance.
 */

import { z } from "zod";
import { barlowTwins, vicReg } from "../../losses/index.ts";
import { type ObjectiveGiven, defineObjective } from "../define.ts";
import type { SystemContext } from "./system.ts";
import { projector } from "./heads.ts";
import { width } from "./option-kinds.ts";
import { encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const HEAD = "projector";

/** A student with a projector of three layers, and both views through it. */
function twins(given: ObjectiveGiven, widths: readonly number[]) {
  const encode = encoderOf(given);
  return {
    own: [HEAD],
    student(...[scope, image]: Parameters<typeof encode>) {
      const { features } = encode(scope, image);
      return { features, z: projector(scope.at(HEAD), features, { widths, bias: false }) };
    },
    views({ batch, train, student }: SystemContext) {
      const [one, other] = viewsOf(batch, 2, train);
      return [student(one), student(other)] as const;
    },
  };
}

const weight = z.number().min(0);

/** Barlow Twins in a configuration. */
export const barlowTwinsObjective = defineObjective({
  name: "barlow-twins",
  schema: z.strictObject({
    /** λ, how much correlation between features counts. Default: 0.005. */
    weight: weight.optional(),
    /** Width of the head's three layers. Default: 8192. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ weight: lambda = 5e-3, outputs = 8192 }, given) {
    checkViews("barlow-twins", given, { least: 2, most: 2 });
    const { views, ...parts } = twins(given, [outputs, outputs, outputs]);
    return makeSystem({
      ...parts,
      loss(context) {
        const [a, b] = views(context);
        const { loss, onDiagonal, offDiagonal } = barlowTwins(a.z, b.z, lambda, context.batch.mask);
        const metrics = { onDiagonal, offDiagonal };
        return { loss, metrics, features: a.features, others: b.features, outputs: a.z };
      },
    });
  },
});

/** VICReg in a configuration. */
export const vicRegObjective = defineObjective({
  name: "vicreg",
  schema: z.strictObject({
    /** How much the distance of the views counts. Default: 25. */
    invariance: weight.optional(),
    /** How much features with little variance count. Default: 25. */
    variance: weight.optional(),
    /** How much covariance of features counts. Default: 1. */
    covariance: weight.optional(),
    /** Width of the head's three layers. Default: 8192. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ outputs = 8192, ...weights }, given) {
    checkViews("vicreg", given, { least: 2, most: 2 });
    const { views, ...parts } = twins(given, [outputs, outputs, outputs]);
    return makeSystem({
      ...parts,
      loss(context) {
        const [a, b] = views(context);
        const { loss, ...metrics } = vicReg(a.z, b.z, weights, context.batch.mask);
        return { loss, metrics, features: a.features, others: b.features, outputs: a.z };
      },
    });
  },
});
