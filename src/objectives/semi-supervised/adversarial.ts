/**
 * @file Virtual adversarial training: a classifier whose answer shall not change where an image is changed in the direction that
 * changes it most; with entropy minimisation beside it where asked.
 *
 * Papers: Miyato et al. 2018, arXiv:1704.03976; Grandvalet & Bengio 2004 (entropy); both as Zhai et al. 2019 take them,
 * arXiv:1905.03670, section 3.3, on labelled and unlabelled images: L = mean CE(class) + w · mean KL(f(x + r) ‖ f(x)) + w_e · mean H(f(x)).
 */

import { z } from "zod";
import { add, concatenate, mean, mul, sliceAxis } from "../../graph/index.ts";
import { softmaxEntropy, virtualAdversarial } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { classifierOf, meanXent, semiSupervised } from "./frame.ts";
import { weight } from "./rows.ts";

/** Virtual adversarial training in a configuration. */
export const adversarialObjective = defineObjective({
  name: "vat",
  schema: z.strictObject({
    /** How much the change of answers counts. Default: 0.5. */
    weight: weight.optional(),
    /** The length of the change to an image, as the model sees it. Default: 40, of images of 224 pixels; in proportion to the side. */
    epsilon: z.number().positive().optional(),
    /** The length of the step by which the direction is found. Default: 1e-6. */
    xi: z.number().positive().optional(),
    /** How much the entropy of answers counts; S4L takes 0.3 where it has both. Default: 0. */
    entropy: weight.optional(),
  }),
  task: "classification",
  takesUnlabelled: true,
  create({ weight: w = 0.5, epsilon, xi, entropy = 0 }, given) {
    const { shape } = given.batch.image; // [batch, height, width, channels]
    const length = epsilon ?? (40 * Math.sqrt(shape[1] * shape[2])) / 224;
    return semiSupervised({
      network: classifierOf(given),
      weight: 1,
      learn({ own: { image }, unlabelled, see, again, hot, key }) {
        const all = concatenate([image, unlabelled.image], 0);
        const { logits } = see(all);
        const classes = sliceAxis(logits, 0, 0, image.shape[0]);
        const classify = (images: typeof all) => again(images).logits;
        const options = { epsilon: length, ...(xi !== undefined && { xi }) };
        const adversarial = mean(virtualAdversarial(classify, all, logits, key, options));
        const spread = mean(softmaxEntropy(logits));
        return {
          labelled: meanXent(classes, hot(classes)),
          unlabelled: add(mul(adversarial, w), mul(spread, entropy)),
          logits: classes,
          metrics: { adversarialLoss: adversarial, entropy: spread },
        };
      },
    });
  },
});
