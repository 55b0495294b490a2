/**
 * @file Masked autoencoder: most patches are left out, and a small decoder predicts their pixels.
 *
 * Paper: He et al. 2022, "Masked Autoencoders Are Scalable Vision Learners", arXiv:2111.06377. Loss: the squared error of each
 * hidden patch's pixels, each patch standardised where `normPix` is set; the mean over hidden patches.
 */

import { z } from "zod";
import { type Tensor, arange, broadcastTo, reshape, uniform } from "../../graph/index.ts";
import { hiddenPatches, keptRows, standardisedPatches } from "../../losses/index.ts";
import { maskByNoise, maskedDecoder } from "../../models/index.ts";
import { type Scope, patches } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { gridOf } from "./masks.ts";
import { part, width } from "./option-kinds.ts";
import { type SystemCall, encoderOf, makeSystem } from "./system.ts";

const DECODER = "decoder";

/** The masked autoencoder in a configuration. */
export const maeObjective = defineObjective({
  name: "mae",
  schema: z.strictObject({
    /** The part of the patches that is hidden. Default: 0.75. */
    maskRatio: part.optional(),
    /** Whether each patch of the target is standardised. Default: true. */
    normPix: z.boolean().optional(),
    /** The decoder's shape. Default: width 512, depth 8, numHeads 16. */
    decoder: z
      .strictObject({
        /** Channels of a token. Default: 512. */
        width: width.optional(),
        /** How many blocks there are. Default: 8. */
        depth: z.int().min(1).max(1024).optional(),
        /** Heads of the attention. Default: 16. */
        numHeads: width.optional(),
      })
      .optional(),
  }),
  task: "features",
  create({ maskRatio = 0.75, normPix = true, decoder = {} }, given) {
    const { grid, size } = gridOf("mae", given.model, given.batch.image);
    const [rows, columns] = grid;
    const encode = encoderOf(given);
    const shape = { width: 512, depth: 8, numHeads: 16, ...decoder, posemb: "sincos2d" } as const;
    const everything = (batch: number): Tensor =>
      broadcastTo(arange(rows * columns, "int32"), [batch, rows * columns]);
    return makeSystem({
      own: [DECODER],
      student(scope: Scope, image: Tensor, call: SystemCall = {}) {
        const [batch, , , channels] = image.shape;
        const { kept = everything(batch), restore = everything(batch) } = call;
        const { features, out } = encode(scope, image, { kept });
        const values = size[0] * size[1] * channels;
        const decode = maskedDecoder(
          scope.at(DECODER),
          out.seen,
          { kept, restore },
          grid,
          values,
          shape,
        );
        return { features, predicted: decode };
      },
      loss({ batch: { image, mask: examples }, key, student }) {
        const noise = uniform(key, [image.shape[0], rows * columns]);
        const { kept, restore, mask } = maskByNoise(noise, maskRatio);
        const { features, predicted } = student(image, { kept, restore });
        const pixels = reshape(patches(image, size), predicted.shape);
        const target = normPix ? standardisedPatches(pixels) : pixels;
        return { loss: hiddenPatches(predicted, target, keptRows(mask, examples)), features };
      },
    });
  },
});
