/** @file Retrieval of a split: how well its images find their texts, and its texts their images. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { type HostArray, fromNumbers, toNumbers } from "../graph/index.ts";
import { defineEvaluator } from "./define.ts";
import { type Evaluated, JUDGED, type Measured, type Stream } from "./evaluator.ts";
import { retrieval } from "./retrieval.ts";

/** The stream of all texts. */
const TEXTS = "texts";

/**
 * Recall at 1, 5 and 10 among all examples of a split, both ways: `img2txt_recall@1`, the part of images one of whose texts
 * is the nearest, `txt2img_recall@1`, the part of texts whose image is, and so on.
 */
export const retrievalOfPairs = defineEvaluator({
  name: "retrieval",
  schema: z.strictObject({
    /** Whether each of an image's texts counts, or the one that the preprocessing leaves. Default: "each". */
    texts: z.enum(["each", "one"]).optional(),
  }),
  create: ({ texts = "each" }) => ({
    head: "embed",
    ...(texts === "each" && { streams: { [TEXTS]: { eachText: true } } }),
    measure({ out: { zimg, ztxt } }: Evaluated, stream: string): Measured {
      const asked = {
        ...((texts === "one" || stream === JUDGED) && { zimg }),
        ...((texts === "one" || stream !== JUDGED) && { ztxt }), // the other tower is not computed
      };
      const rows = Object.entries(asked).flatMap(([name, value]) => (value ? [[name, value]] : []));
      if (rows.length < Object.keys(asked).length) {
        throw new OcelliError("config", "retrieval needs a model and data of images and texts.", {
          hint: "Train one with the objective contrastive, and judge it on data with the field text.",
        });
      }
      return { rows: Object.fromEntries(rows) as Measured["rows"] };
    },
    summarise(gathered) {
      const judged = gathered[JUDGED];
      const all = texts === "one" ? judged : gathered[TEXTS];
      const { zimg } = judged.rows;
      const rows = new Map(judged.indices.map((index, row) => [index, row]));
      const { ztxt, owners } = withOwners(all, rows);
      return retrieval({ zimg, ztxt, imageOfText: fromNumbers(owners, [owners.length], "int32") });
    },
  }),
});

/** The texts whose image could be read, and the row of each one's image. */
function withOwners(
  { rows: { ztxt }, indices }: Stream,
  rows: ReadonlyMap<number, number>,
): { readonly ztxt: HostArray; readonly owners: readonly number[] } {
  const kept = [...indices.keys()].filter((place) => rows.has(indices[place]));
  const owners = kept.map((place) => rows.get(indices[place])!);
  if (kept.length === indices.length) return { ztxt, owners };
  const [, width] = ztxt.shape;
  const all = toNumbers(ztxt);
  const values = kept.flatMap((place) => all.slice(place * width, (place + 1) * width));
  return { ztxt: fromNumbers(values, [kept.length, width], "float32"), owners };
}
