/**
 * @file Random labels: a classifier learns classes that have nothing to do with what pictures show; each picture keeps its own.
 *
 * Paper: Maennel et al. 2020, "What Do Neural Networks Learn When Trained With Random Labels?", arXiv:2006.10455. A label is drawn
 * by a hash of the picture's pixels qᵢ in 0…255: ⌊K · ((Σ wᵢ qᵢ) mod 65521) / 65521⌋, with whole weights wᵢ drawn by `labelSeed`. So
 * it is the same in every epoch as long as training does not augment.
 */

import { z } from "zod";
import { OcelliError } from "../../errors.ts";
import {
  type Tensor,
  add,
  constant,
  convert,
  div,
  floor,
  fromNumbers,
  minimum,
  mul,
  reduceSum,
  rem,
  reshape,
  sizeOf,
} from "../../graph/index.ts";
import { seededRandom } from "../../random.ts";
import { defineObjective } from "../define.ts";
import { classification } from "./classification.ts";

/** A prime: what sums are divided by. */
const PRIME = 65_521;
const [LEVELS, MOST] = [255, 2 ** 31 - 1];
/** Fewer bits of a weight than this draw labels that follow the picture's brightness. */
const FEWEST = 16;

/** Random labels in a configuration. */
export const randomLabelsObjective = defineObjective({
  name: "random-labels",
  schema: z.strictObject({
    /** How many classes there are, at most the data's. Default: the data's. */
    classes: z.int().min(2).max(PRIME).optional(),
    /** Draws the labels. Default: 0. */
    labelSeed: z.int().min(0).optional(),
  }),
  task: "classification",
  create({ classes, labelSeed = 0 }, { model, batch: { image }, names }) {
    const known = names.label.length;
    if (classes !== undefined && classes > known) {
      throw new OcelliError(
        "config",
        `objective.classes is ${classes}; the data, and so the classifier, has ${known}.`,
        { hint: `Give at most ${known}.` },
      );
    }
    const weights = weightsOf(sizeOf(image.shape.slice(1)), labelSeed);
    const learn = classification(model);
    return {
      ...learn,
      loss: ({ batch, ...inputs }) => {
        const label = randomLabels(batch.image, weights, classes ?? known);
        return learn.loss({ ...inputs, batch: { ...batch, label } });
      },
    };
  },
});

/**
 * Whole weights of so many values, small enough that no sum of products with pixels overflows an int32.
 *
 * @throws a configuration error for pictures that are too large
 */
function weightsOf(count: number, seed: number): readonly number[] {
  const bound = Math.min(1024, Math.floor(MOST / (LEVELS * count)));
  if (bound < FEWEST) {
    throw new OcelliError("config", `random-labels: pictures of ${count} values are too large.`, {
      hint: `Take at most ${Math.floor(MOST / (LEVELS * FEWEST))}, such as 416 × 416 × 3.`,
    });
  }
  const random = seededRandom("random labels", seed);
  return Array.from({ length: count }, () => random.integer(0, bound));
}

/** The labels of images in [−1, 1], [batch, height, width, channels]: int32 [batch]. */
function randomLabels(image: Tensor, weights: readonly number[], classes: number): Tensor {
  const [batch] = image.shape;
  const pixels = convert(floor(add(mul(add(image, 1), LEVELS / 2), 0.5)), "int32");
  const given = constant(fromNumbers([...weights], [1, weights.length], "int32"));
  const rows = mul(reshape(pixels, [batch, weights.length]), given);
  const place = convert(rem(reduceSum(rows, 1), PRIME), "float32"); // below 2^24: exact
  const drawn = floor(div(mul(place, classes), PRIME));
  return convert(minimum(drawn, classes - 1), "int32");
}
