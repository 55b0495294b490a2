/**
 * @file Supervised contrast: views of images of a class are drawn together, against those of others.
 *
 * Paper: Khosla et al. 2020, "Supervised Contrastive Learning", arXiv:2004.11362, equation 2: for each view the mean over the other
 * views of its class of −log exp(zᵢ·z_p/τ) / Σ_{k≠i} exp(zᵢ·z_k/τ).
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import { concatenate, isInteger } from "../../graph/index.ts";
import { maskedMean, repeatRows, supervisedContrast } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { projector } from "./heads.ts";
import { temperature, width } from "./option-kinds.ts";
import { encoderOf, makeSystem, seeTogether } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const HEAD = "projector";

/** Supervised contrast in a configuration. */
export const supconObjective = defineObjective({
  name: "supcon",
  schema: z.strictObject({
    /** What cosines are divided by. Default: 0.1. */
    temperature: temperature.optional(),
    /** Width of the head's inner layer. Default: 2048. */
    hidden: width.optional(),
    /** Width of what is compared. Default: 128. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ temperature: tau = 0.1, hidden = 2048, outputs = 128 }, given) {
    checkViews("supcon", given, { least: 2 });
    const { label } = given.batch as { readonly label?: (typeof given.batch)[string] };
    if (!label || label.shape.length !== 1 || !isInteger(label.dtype)) {
      throw new OcelliError("config", "supcon needs data with one class an image.");
    }
    const encode = encoderOf(given);
    return makeSystem({
      own: [HEAD],
      student(scope, image) {
        const { features } = encode(scope, image);
        const settings = { widths: [hidden, outputs], norms: false };
        return { features, z: projector(scope.at(HEAD), features, settings) };
      },
      loss({ batch, train, student }) {
        const views = viewsOf(batch, 2, train);
        const seen = seeTogether(student, views);
        const all = concatenate(
          seen.map(({ z: one }) => one),
          0,
        );
        const labels = repeatRows(batch.label, views.length);
        const mask = batch.mask && repeatRows(batch.mask, views.length);
        const loss = maskedMean(supervisedContrast(all, labels, tau, mask), mask);
        const [{ features, z: outputs }, { features: others }] = seen;
        return { loss, features, others, outputs };
      },
    });
  },
});
