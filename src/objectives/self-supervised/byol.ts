/**
 * @file BYOL: a student predicts a teacher's projection of another view; the teacher is an average of the student.
 *
 * Paper: Grill et al. 2020, "Bootstrap Your Own Latent", arXiv:2006.07733. Loss: 2 − 2 cos(q(z), sg z′), of both views added up;
 * the teacher's share rises from `momentum` to 1 along half a cosine.
 */

import { z } from "zod";
import { type Tensor, add } from "../../graph/index.ts";
import { maskedMean, regression } from "../../losses/index.ts";
import type { Scope } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { projector } from "./heads.ts";
import { share, width } from "./option-kinds.ts";
import { cosineBetween, encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [PROJECTOR, PREDICTOR] = ["projector", "predictor"] as const;

/** BYOL in a configuration. */
export const byolObjective = defineObjective({
  name: "byol",
  schema: z.strictObject({
    /** How much of the teacher stays at the first update. Default: 0.996. */
    momentum: share.optional(),
    /** Width of the heads' inner layer. Default: 4096. */
    hidden: width.optional(),
    /** Width of what is predicted. Default: 256. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ momentum = 0.996, hidden = 4096, outputs = 256 }, given) {
    checkViews("byol", given, { least: 2, most: 2 });
    const encode = encoderOf(given);
    const settings = { widths: [hidden, outputs] };
    const network = (scope: Scope, image: Tensor) => {
      const { features } = encode(scope, image);
      return { features, z: projector(scope.at(PROJECTOR), features, settings) };
    };
    return makeSystem({
      own: [PROJECTOR, PREDICTOR],
      student(scope, image) {
        const { features, z: projected } = network(scope, image);
        return { features, p: projector(scope.at(PREDICTOR), projected, settings) };
      },
      teacher: network,
      momentum: cosineBetween(momentum, 1, given.totalSteps),
      loss({ batch, train, student, teacher }) {
        const [one, other] = viewsOf(batch, 2, train);
        const [a, b] = [student(one), student(other)];
        const rows = add(regression(a.p, teacher(other).z), regression(b.p, teacher(one).z));
        const seen = { features: a.features, others: b.features, outputs: a.p };
        return { loss: maskedMean(rows, batch.mask), ...seen };
      },
    });
  },
});
