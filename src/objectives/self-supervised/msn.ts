/**
 * @file MSN: views with hidden patches are assigned to prototypes as a teacher assigns the whole view.
 *
 * Paper: Assran et al. 2022, "Masked Siamese Networks for Label-Efficient Learning", arXiv:2204.07141. Loss: the cross-entropy of
 * the anchors' assignments with the target's sharpened one, less λ times the entropy of the mean assignment.
 */

import { z } from "zod";
import { type Tensor, concatenate, geluExact, mul, softmax, uniform } from "../../graph/index.ts";
import { maskedSiamese, prototypeScores } from "../../losses/index.ts";
import { maskByNoise } from "../../models/index.ts";
import { type Scope, lecunNormal } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { projector } from "./heads.ts";
import { gridOf } from "./masks.ts";
import { part, share, temperature, width } from "./option-kinds.ts";
import { type SystemCall, cosineBetween, encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const [HEAD, PROTOTYPES] = ["projector", "prototypes"] as const;

/** MSN in a configuration: `image` is the teacher's view, all others are anchors, the first of them with hidden patches. */
export const msnObjective = defineObjective({
  name: "msn",
  schema: z.strictObject({
    /** How many prototypes there are. Default: 1024. */
    prototypes: width.optional(),
    /** The part of the first anchor's patches that is left out. Default: 0.3. */
    maskRatio: part.optional(),
    /** What the anchors' cosines are divided by. Default: 0.1. */
    temperature: temperature.optional(),
    /** What the targets' are divided by. Default: 0.025. */
    targetTemperature: temperature.optional(),
    /** λ, how much the entropy of the mean assignment counts. Default: 1. */
    entropyWeight: z.number().min(0).optional(),
    /** Whether targets share the prototypes equally. Default: true. */
    sinkhorn: z.boolean().optional(),
    /** How much of the teacher stays at the first update; it rises to 1. Default: 0.996. */
    momentum: share.optional(),
    /** Width of the head's two inner layers. Default: 2048. */
    hidden: width.optional(),
    /** Width of what is compared. Default: 256. */
    outputs: width.optional(),
  }),
  task: "features",
  create(options, given) {
    checkViews("msn", given, { least: 2 });
    const { prototypes: count = 1024, maskRatio = 0.3, momentum = 0.996 } = options;
    const { sinkhorn = true, hidden = 2048, outputs = 256, temperature: tau = 0.1 } = options;
    const { grid } = gridOf("msn", given.model, given.batch.view1);
    const encode = encoderOf(given);
    const network = (scope: Scope, image: Tensor, call?: SystemCall) => {
      const { features } = encode(scope, image, call);
      const settings = { widths: [hidden, hidden, outputs], activation: geluExact, bias: false };
      return { features, z: projector(scope.at(HEAD), features, settings) };
    };
    return makeSystem({
      own: [HEAD, PROTOTYPES],
      student: (scope, image, call) => ({
        ...network(scope, image, call),
        c: scope.param(`${PROTOTYPES}/kernel`, lecunNormal, [count, outputs]),
      }),
      teacher: network,
      momentum: cosineBetween(momentum, 1, given.totalSteps),
      loss({ batch, key, train, student, teacher }) {
        const [target, first, ...focal] = viewsOf(batch, 2, train);
        const noise = uniform(key, [first.shape[0], grid[0] * grid[1]]);
        const { kept } = maskByNoise(noise, maskRatio);
        const anchors = [student(first, { kept }), ...focal.map((view) => student(view))];
        const { z: aim, features: others } = teacher(target);
        const all = concatenate(
          anchors.map((one) => one.z),
          0,
        );
        const [{ features, z: anchor, c }] = anchors;
        const { loss, ...metrics } = maskedSiamese(all, aim, c, {
          ...options,
          sinkhorn,
          mask: batch.mask,
        });
        const assigned = softmax(mul(prototypeScores(anchor, c), 1 / tau), 1);
        return { loss, metrics, features, others, outputs: assigned };
      },
    });
  },
});
