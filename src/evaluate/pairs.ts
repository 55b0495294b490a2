/** @file Retrieval of a split: how well its images find their texts, and its texts their images. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { fromNumbers } from "../graph/index.ts";
import { defineEvaluator } from "./define.ts";
import { retrieval } from "./retrieval.ts";

/**
 * Recall at 1, 5 and 10 among all examples of a split, both ways: `img2txt_recall@1`, `txt2img_recall@1` and so on. Each
 * image stands with one text, that which the preprocessing leaves.
 */
export const retrievalOfPairs = defineEvaluator({
  name: "retrieval",
  schema: z.strictObject({}),
  create: () => ({
    head: "embed",
    measure({ out: { zimg, ztxt } }) {
      if (zimg && ztxt) return { rows: { zimg, ztxt } };
      throw new OcelliError("config", "retrieval needs a model and data of images and texts.", {
        hint: "Train one with the objective contrastive, and judge it on data with the field text.",
      });
    },
    summarise({ judged: { rows } }) {
      const { zimg, ztxt } = rows;
      const [count] = zimg.shape;
      const places = Array.from({ length: count }, (_, i) => i);
      return retrieval({ zimg, ztxt, imageOfText: fromNumbers(places, [count], "int32") });
    },
  }),
});
