/**
 * @file Patches of one image: where one lies relative to the middle, and in which order nine were shuffled.
 *
 * Papers: Doersch et al. 2015, arXiv:1505.05192 (relative patch); Noroozi & Favaro 2016, arXiv:1603.09246 (jigsaw); both as in
 * Kolesnikov et al. 2019, arXiv:1901.09005: a grid of three by three cells, a patch at a random place of each, standardised; the
 * patches' embeddings side by side, then a layer of 4096 with batch normalisation, ReLU and dropout. Loss: softmax cross-entropy
 * of 8 places, or of 100 permutations that are as far apart as possible, 8 of which are drawn for each image.
 */

import { z } from "zod";
import {
  type Tensor,
  argMax,
  broadcastInDim,
  concatenate,
  constant,
  dynamicSlice,
  equal,
  foldIn,
  fromNumbers,
  full,
  gather,
  indexAxis,
  maximum,
  mean,
  mul,
  oneHot,
  randomInt,
  reshape,
  rsqrt,
  add,
  scalar,
  split,
  stack,
  square,
  sub,
  take,
  vmap,
} from "../../graph/index.ts";
import { OcelliError } from "../../errors.ts";
import { maskOfEach, maskedMean, softmaxXent } from "../../losses/index.ts";
import { type Scope, batchNorm, dense, dropout } from "../../nn/index.ts";
import { seededRandom } from "../../random.ts";
import { type ObjectiveGiven, defineObjective } from "../define.ts";
import type { BatchSpec, Objective } from "../objective.ts";
import { width } from "./option-kinds.ts";
import { type SystemContext, encoderOf, makeSystem } from "./system.ts";
import { checkSizes } from "./views.ts";

const [EMBED, HEAD] = ["patch_embedding_head", "patch_head"] as const;
const SIDE = 3;
const CELLS = SIDE * SIDE;
const MIDDLE = (CELLS - 1) / 2;

const keys = {
  /** The side of a patch in pixels; a cell is a third of the image. Default: three quarters of a cell. */
  patch: z.int().min(1).max(4096).optional(),
  /** Width of a patch's embedding. Default: 1000. */
  outputs: width.optional(),
  /** Width of the layer over all patches. Default: 4096. */
  hidden: width.optional(),
};

/** Relative patch in a configuration. */
export const relativePatchObjective = defineObjective({
  name: "relative-patch",
  schema: z.strictObject(keys),
  task: "features",
  create: (options, given) => patchTask("relative-patch", options, given, relativePairs),
});

/** Jigsaw in a configuration. */
export const jigsawObjective = defineObjective({
  name: "jigsaw",
  schema: z.strictObject({
    ...keys,
    /** How many permutations there are. Default: 100. */
    permutations: z.int().min(2).max(1000).optional(),
    /** How many of them are drawn for an image. Default: 8. */
    drawn: z.int().min(1).max(1000).optional(),
  }),
  task: "features",
  create({ permutations = 100, drawn = 8, ...options }, given) {
    const orders = distantPermutations(permutations);
    return patchTask("jigsaw", options, given, shuffledBy(orders, drawn));
  },
});

/** What a pretext task makes of the cells' embeddings, and what is right of it. */
interface Puzzle {
  /** [rows, …]. */
  readonly joined: Tensor;
  /** int32 [rows]. */
  readonly targets: Tensor;
  readonly classes: number;
}

/** From embeddings [batch, cells, width]. */
type MakePuzzle = (embedded: Tensor, key: Tensor) => Puzzle;

/** The middle patch beside each of the eight around it: which of them it is. */
const relativePairs: MakePuzzle = (embedded) => {
  const cells = split(embedded, CELLS, 1).map((x) => reshape(x, [x.shape[0], x.shape[2]]));
  const around = cells.filter((_, i) => i !== MIDDLE);
  const pairs = around.map((cell) => concatenate([cells[MIDDLE], cell], 1));
  const classes = around.length;
  const [batch] = embedded.shape;
  const joined = reshape(stack(pairs, 1), [batch * classes, 2 * embedded.shape[2]]);
  const order = Array.from({ length: classes }, (_, i) => i);
  const targets = broadcastInDim(
    constant(fromNumbers(order, [classes], "int32")),
    [batch, classes],
    [1],
  );
  return { joined, targets: reshape(targets, [batch * classes]), classes };
};

/** The patches in some of the orders: which order it is. */
const shuffledBy =
  (orders: readonly (readonly number[])[], drawn: number): MakePuzzle =>
  (embedded, key) => {
    const [batch, , features] = embedded.shape;
    const targets = randomInt(key, [batch * drawn], 0, orders.length);
    const table = constant(fromNumbers(orders.flat(), [orders.length, CELLS], "int32"));
    const places = take(table, targets, 0); // [batch · drawn, cells]
    const each = broadcastInDim(embedded, [batch, drawn, CELLS, features], [0, 2, 3]);
    const all = reshape(each, [batch * drawn, CELLS, features]);
    const shuffled = gather(all, places, { axis: 1, batchDims: 1 });
    const joined = reshape(shuffled, [batch * drawn, CELLS * features]);
    return { joined, targets, classes: orders.length };
  };

/**
 * Orders of nine patches, each of the greatest Hamming distance from those before it among many that are drawn with a fixed
 * seed: the same list everywhere.
 */
export function distantPermutations(count: number): number[][] {
  const random = seededRandom("jigsaw permutations");
  const draw = (): number[] => {
    const order = Array.from({ length: CELLS }, (_, i) => i);
    for (let i = CELLS - 1; i > 0; i--) {
      const j = random.integer(0, i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
  const distance = (a: readonly number[], b: readonly number[]): number =>
    a.filter((x, i) => x !== b[i]).length;
  const chosen: number[][] = [draw()];
  while (chosen.length < count) {
    const scored = Array.from({ length: 200 }, () => draw()).map((order) => {
      const distances = chosen.map((one) => distance(one, order));
      return [order, Math.min(...distances), distances.reduce((a, b) => a + b)] as const;
    });
    const [best] = scored.sort((a, b) => b[1] - a[1] || b[2] - a[2]);
    chosen.push(best[0]);
  }
  return chosen;
}

/**
 * A patch at a place of each cell, standardised: [batch · cells, patch, patch, channels].
 *
 * @param image [batch, height, width, channels]
 * @param key draws the places, for each image on its own; the middles where absent
 */
function patchesOfCells(image: Tensor, patch: number, key?: Tensor): Tensor {
  const [batch, height, wide, channels] = image.shape;
  const [tall, broad] = [Math.floor(height / SIDE), Math.floor(wide / SIDE)];
  const rooms = [tall - patch, broad - patch];
  const [down, across] = rooms.map((room, i) =>
    key
      ? randomInt(foldIn(key, i), [batch, CELLS], 0, room + 1)
      : full([batch, CELLS], Math.floor(room / 2), "int32"),
  );
  const zero = scalar(0, "int32");
  const cut = vmap((one: Tensor, rows: Tensor, columns: Tensor): Tensor => {
    const cells = Array.from({ length: CELLS }, (_, i) => {
      const [row, column] = [Math.floor(i / SIDE) * tall, (i % SIDE) * broad];
      const start = [add(indexAxis(rows, 0, i), row), add(indexAxis(columns, 0, i), column), zero];
      return dynamicSlice(one, start, [patch, patch, channels]);
    });
    return stack(cells, 0);
  })(image, down, across) as Tensor; // [batch, cells, patch, patch, channels]
  const all = reshape(cut, [batch * CELLS, patch, patch, channels]);
  const axes = [1, 2, 3];
  const centred = sub(all, mean(all, axes, { keepDims: true }));
  const spread = mean(square(centred), axes, { keepDims: true });
  const least = 1 / (patch * patch * channels); // as TensorFlow's per_image_standardization
  return mul(centred, rsqrt(maximum(spread, least)));
}

function patchTask(
  name: string,
  { patch, outputs = 1000, hidden = 4096 }: z.output<z.ZodObject<typeof keys>>,
  given: ObjectiveGiven,
  make: MakePuzzle,
): Objective {
  const [, height, wide, channels] = given.batch.image.shape;
  const cell = Math.floor(Math.min(height, wide) / SIDE);
  const side = patch ?? Math.max(1, Math.floor((cell * 3) / 4));
  if (side > cell) {
    throw new OcelliError(
      "config",
      `objective.patch ${side} is larger than a cell of the ${height}×${wide} image.`,
      { hint: `A cell is a third of the image: give 1 to ${cell}, or larger images.` },
    );
  }
  const spec = (batch: number) => ({
    shape: [batch * CELLS, side, side, channels],
    dtype: given.batch.image.dtype,
  });
  checkSizes(name, given.model, [given.batch.image, spec(1)]);
  const encode = encoderOf(given);
  /** Logits of a puzzle of images that are patches already; the first call says how many classes there are. */
  const student = (scope: Scope, cells: Tensor) => {
    const { features } = encode(scope, cells);
    const embedded = dense(scope.at(EMBED), features, outputs);
    const grid = reshape(embedded, [cells.shape[0] / CELLS, CELLS, outputs]);
    const { joined, targets, classes } = make(grid, scope.key("puzzle"));
    const at = scope.at(HEAD);
    const inner = maximum(
      batchNorm(at.at("BatchNorm_0"), dense(at.at("Dense_0"), joined, hidden)),
      0,
    );
    const kept = dropout(at.at("Dropout_0"), inner, 0.5);
    return { features, logits: dense(at.at("Dense_1"), kept, classes), targets };
  };
  const cellsOf = ({ batch: { image }, key, train }: SystemContext): Tensor =>
    patchesOfCells(image, side, train ? key : undefined);
  const objective = makeSystem({
    own: [EMBED, HEAD],
    student,
    loss(context) {
      const { features, logits, targets } = context.student(cellsOf(context));
      const { mask, image } = context.batch;
      const kept = mask && maskOfEach(mask, logits.shape[0] / image.shape[0]);
      const loss = maskedMean(softmaxXent(logits, oneHot(targets, logits.shape[1])), kept);
      const right = equal(argMax(logits, 1), targets);
      return { loss, metrics: { accuracy: maskedMean(right, kept) }, features };
    },
  });
  const seen = ({ image }: BatchSpec): BatchSpec => ({ image: spec(image.shape[0]) });
  return {
    ...objective,
    init: (key, batch) => objective.init(key, seen(batch)),
    stacked: (batch) => objective.stacked(seen(batch)),
  };
}
