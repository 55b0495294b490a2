/**
 * @file SimMIM: blocks of an image are hidden by a learned token, and one layer predicts their pixels.
 *
 * Paper: Xie et al. 2022, "SimMIM: A Simple Framework for Masked Image Modeling", arXiv:2111.09886. Loss:
 * Σ |x − x̂| · m / (Σ m + 1e-5) / channels, m 1 at hidden pixels.
 */

import { z } from "zod";
import { broadcastInDim, reshape, transpose, zeros } from "../../graph/index.ts";
import { hiddenPixels, keptRows } from "../../losses/index.ts";
import { MASK_TOKEN } from "../../models/index.ts";
import { dense } from "../../nn/index.ts";
import { defineObjective } from "../define.ts";
import { gridOf, hiddenBlocks } from "./masks.ts";
import { part } from "./option-kinds.ts";
import { encoderOf, makeSystem } from "./system.ts";

const DECODER = "decoder";

/** SimMIM in a configuration. */
export const simmimObjective = defineObjective({
  name: "simmim",
  schema: z.strictObject({
    /** The part of the blocks that is hidden. Default: 0.6. */
    maskRatio: part.optional(),
    /** The side of a block in patches. Default: 1; with patches of 16 pixels the paper's is 2. */
    block: z.int().min(1).max(1024).optional(),
  }),
  task: "features",
  create({ maskRatio = 0.6, block = 1 }, given) {
    const { grid, size } = gridOf("simmim", given.model, given.batch.image);
    const [rows, columns] = grid;
    const [height, wide] = size;
    const encode = encoderOf(given);
    return makeSystem({
      own: [DECODER, MASK_TOKEN],
      student(scope, image, call) {
        const [batch, , , channels] = image.shape;
        const hidden = call?.hidden ?? zeros([batch, rows * columns]);
        const { features, out } = encode(scope, image, { hidden });
        const pixels = dense(scope.at(DECODER), out.tokens, height * wide * channels);
        const cells = reshape(pixels, [batch, rows, columns, height, wide, channels]);
        const predicted = reshape(transpose(cells, [0, 1, 3, 2, 4, 5]), image.shape);
        return { features, predicted };
      },
      loss({ batch: { image, mask: examples }, key, student }) {
        const [batch, tall, broad] = image.shape;
        const hidden = hiddenBlocks(key, batch, grid, block, maskRatio);
        const { features, predicted } = student(image, { hidden });
        const spread = broadcastInDim(
          reshape(keptRows(hidden, examples), [batch, rows, columns]),
          [batch, rows, height, columns, wide],
          [0, 1, 3],
        );
        const mask = reshape(spread, [batch, tall, broad]);
        return { loss: hiddenPixels(predicted, image, mask), features };
      },
    });
  },
});
