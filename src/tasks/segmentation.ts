/** @file Segmentation: a picture becomes a map, which names a class for each pixel. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import { featuresAt } from "../evaluate/features.ts";
import {
  type HostArray,
  type Tensor,
  argMax,
  broadcastInDim,
  convert,
  div,
  hostArray,
  maximum,
  mul,
  reduceMax,
  reduceMin,
  round,
  sub,
} from "../graph/index.ts";
import { pixelScores } from "../losses/index.ts";
import { createModel } from "../models/index.ts";
import { NO_CLASS } from "../preprocess/example.ts";
import { classColour, colourMap, hexColour } from "./map-colours.ts";
import { type Recorder, type Rows, defineTask } from "./task.ts";

/** More classes than a map of bytes holds beside 255, which means no class. */
const MAX_CLASSES = 255;

/** A class for each pixel, by maps of examples. */
export const segmentationTask = defineTask({
  name: "segmentation",
  schema: z.strictObject({}),
  needs: { image: ["image"], map: ["map"] },
  headline: { metric: "miou", better: "higher" },
  evaluators: () => ["segmentation"],
  describe(_, { names: { map }, dataName }) {
    if (map.length < 2 || map.length > MAX_CLASSES) {
      const count = map.length === 1 ? "1 class" : `${map.length} classes`;
      throw new OcelliError("data", `the maps of ${dataName} have ${count}.`, {
        hint: `From 2 to ${MAX_CLASSES} are possible; the background is one.`,
      });
    }
    return { task: {}, names: { map } };
  },
  create({ model: { name, ...options }, names: { map: names } }) {
    return {
      model: createModel(name, { ...options, numClasses: names.length }),
      heads: { map: ({ output }) => pixelScores(output), embed: ({ out }) => featuresAt(out) },
      main: "map",
      respond: (logits) => ({ map: argMax(logits, 3) }), // [batch, height, width]
      answer: ({ map }) => ({ kind: "map", map, names }),
      record: () => recordMaps(names),
    };
  },
});

/** How many examples are kept. */
const KEPT = 12;

/** An example as it is kept. */
interface Kept {
  readonly index: number;
  readonly picture: HostArray;
  readonly truth: HostArray;
  readonly map: HostArray;
}

/** The first examples, each with its truth and its answer, and the part of its pixels that is right. */
export function recordMaps(names: readonly string[]): Recorder {
  const kept: Kept[] = [];
  return {
    file: "answers",
    look: (logits, { image, map }) => ({
      picture: asBytes(image),
      truth: map,
      map: convert(argMax(logits, 3), "uint8"),
    }),
    see(indices, { picture, truth, map }: Rows) {
      for (const [row, index] of indices.entries()) {
        if (index < 0 || kept.length === KEPT) continue;
        const at = (rows: HostArray): HostArray => ownRow(rows, row);
        kept.push({ index, picture: at(picture), truth: at(truth), map: at(map) });
      }
    },
    async summary(show) {
      if (kept.length === 0) return undefined;
      const examples = kept.map(async ({ index, picture, truth, map }) => ({
        id: (await show.example(index)).id,
        picture: await show.image(picture),
        truth: await show.image(colourMap(truth)),
        answer: await show.image(colourMap(map)),
        right: rightPart(truth, map),
      }));
      const colours = names.map((_, k) => hexColour(classColour(k)));
      return { kind: "map", names, colours, examples: await Promise.all(examples) };
    },
  };
}

/** Images [batch, height, width, channels] as bytes: the least value of each becomes 0, the greatest 255. */
function asBytes(image: Tensor): Tensor {
  const pixels = convert(image, "float32");
  const wide = (x: Tensor): Tensor => broadcastInDim(x, pixels.shape, [0]);
  const low = reduceMin(pixels, [1, 2, 3]);
  const range = maximum(sub(reduceMax(pixels, [1, 2, 3]), low), 1e-8);
  return convert(round(mul(div(sub(pixels, wide(low)), wide(range)), 255)), "uint8");
}

/** A row of arrays [batch, …], in memory of its own. */
function ownRow({ shape: [batch, ...shape], dtype, data }: HostArray, row: number): HostArray {
  const size = data.length / batch;
  return hostArray(shape, dtype, (data as Uint8Array).slice(row * size, (row + 1) * size));
}

/** The part of the pixels with a class that a map has right; 1 where none has one. */
function rightPart(truth: HostArray, map: HostArray): number {
  let [right, labelled] = [0, 0];
  truth.data.forEach((value, i) => {
    if (Number(value) === NO_CLASS) return;
    labelled++;
    if (Number(value) === Number(map.data[i])) right++;
  });
  return labelled === 0 ? 1 : right / labelled;
}
