/**
 * @file SimSiam: each view predicts the other's projection, through which no gradient passes; there is no teacher.
 *
 * Paper: Chen & He 2021, "Exploring Simple Siamese Representation Learning", arXiv:2011.10566. Loss:
 * −½ [cos(p₁, sg z₂) + cos(p₂, sg z₁)]. With `stopGradient: false` it collapses, as the paper's Figure 2 shows.
 */

import { z } from "zod";
import { add, mul } from "../../graph/index.ts";
import { cosines, maskedMean, negativeCosine } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { projector } from "./heads.ts";
import { width } from "./option-kinds.ts";
import { encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [PROJECTOR, PREDICTOR] = ["projector", "predictor"] as const;

/** SimSiam in a configuration. */
export const simsiamObjective = defineObjective({
  name: "simsiam",
  schema: z.strictObject({
    /** Width of the projector's three layers. Default: 2048. */
    outputs: width.optional(),
    /** Width of the predictor's inner layer. Default: 512. */
    hidden: width.optional(),
    /** Whether no gradient passes through what is predicted. Default: true. */
    stopGradient: z.boolean().optional(),
  }),
  task: "features",
  create({ outputs = 2048, hidden = 512, stopGradient: stops = true }, given) {
    checkViews("simsiam", given, { least: 2, most: 2 });
    const encode = encoderOf(given);
    const apart = stops
      ? negativeCosine
      : (...[p, target]: Parameters<typeof negativeCosine>) => mul(cosines(p, target), -0.5);
    return makeSystem({
      own: [PROJECTOR, PREDICTOR],
      student(scope, image) {
        const { features } = encode(scope, image);
        const widths = [outputs, outputs, outputs];
        const projected = projector(scope.at(PROJECTOR), features, { widths, last: "plain-norm" });
        const predicted = projector(scope.at(PREDICTOR), projected, { widths: [hidden, outputs] });
        return { features, z: projected, p: predicted };
      },
      loss({ batch, train, student }) {
        const [one, other] = viewsOf(batch, 2, train);
        const [a, b] = [student(one), student(other)];
        const rows = add(apart(a.p, b.z), apart(b.p, a.z));
        const seen = { features: a.features, others: b.features, outputs: a.z };
        return { loss: maskedMean(rows, batch.mask), ...seen };
      },
    });
  },
});
