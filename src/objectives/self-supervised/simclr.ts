/**
 * @file SimCLR: two views of an image match one another, and not the other images of the batch.
 *
 * Paper: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", arXiv:2002.05709; with three
 * layers in the head v2, Chen et al. 2020, arXiv:2006.10029. Loss: ℓ(i, j) = −log exp(cos(zᵢ, zⱼ)/τ) / Σ_{k≠i} exp(cos(zᵢ, z_k)/τ),
 * the mean over each view's images, of both views added up as in the authors' code.
 */

import { z } from "zod";
import { concatenate, mul, sliceAxis, convert } from "../../graph/index.ts";
import { maskedMean, ntXent } from "../../losses/index.ts";
import { defineObjective } from "../define.ts";
import { projector } from "./heads.ts";
import { temperature, width } from "./option-kinds.ts";
import { encoderOf, makeSystem } from "./system.ts";
import { checkViews, viewsOf } from "./views.ts";

const HEAD = "projector";

/** SimCLR in a configuration. */
export const simclrObjective = defineObjective({
  name: "simclr",
  schema: z.strictObject({
    /** What cosines are divided by. Default: 0.1. */
    temperature: temperature.optional(),
    /** Layers of the head: 2 as in SimCLR, 3 as in its second version. Default: 2. */
    layers: z.int().min(1).max(8).optional(),
    /** Width of the head's inner layers. Default: the features' own. */
    hidden: width.optional(),
    /** Width of what is compared. Default: 128. */
    outputs: width.optional(),
  }),
  task: "features",
  create({ temperature: tau = 0.1, layers = 2, hidden, outputs = 128 }, given) {
    checkViews("simclr", given, { least: 2, most: 2 });
    const encode = encoderOf(given);
    return makeSystem({
      own: [HEAD],
      student(scope, image, call) {
        const { features } = encode(scope, image, call);
        const inner = new Array<number>(layers - 1).fill(hidden ?? features.shape[1]);
        const settings = { widths: [...inner, outputs], last: "norm", bias: false } as const;
        return { features, z: projector(scope.at(HEAD), features, settings) };
      },
      loss({ batch, train, student }) {
        const [one, other] = viewsOf(batch, 2, train);
        const [count] = one.shape;
        const both = student(concatenate([one, other], 0)); // statistics are of both views together
        const halves = (name: string) =>
          [0, 1].map((i) => sliceAxis(both[name], 0, i * count, (i + 1) * count));
        const [a, b] = halves("z");
        const mask = batch.mask && convert(batch.mask, "float32");
        const rows = ntXent(a, b, { temperature: tau, mask }); // [2 batch]
        const kept = mask && concatenate([mask, mask], 0);
        const [features, others] = halves("features");
        return { loss: mul(maskedMean(rows, kept), 2), features, others, outputs: a };
      },
    });
  },
});
