/** @file Two streams side by side: their names, sizes, orders and places. */

import { expect, test } from "vitest";
import { fromNumbers, toNumbers } from "../../graph/index.ts";
import { parsePreprocessing } from "../../preprocess/pipeline.ts";
import type { Source } from "../source.ts";
import { trainingBatches } from "./batches.ts";
import { besideBatches, besideSeed } from "./beside.ts";
import type { Position } from "./order.ts";

/** Images of one pixel, which says which one it is. */
const source: Source = {
  length: 10,
  fields: { image: "image" },
  names: {},
  id: String,
  read: (index) => ({ image: fromNumbers([index], [1, 1, 1], "uint8") }),
};
const preprocessing = parsePreprocessing('copy("image","view1")|flip_lr');

const open = (start?: Position) => {
  const stream = (batchSize: number, seed: number, from?: Position) =>
    trainingBatches(source, { batchSize, preprocessing, seed }, from);
  return besideBatches(stream(4, 7, start), stream(6, besideSeed(7), start?.beside));
};
const take = async (count: number, start?: Position) => {
  const batches = [];
  for await (const { features, next } of open(start)) {
    const rows = Object.entries(features).map(([name, x]) => [name, toNumbers(x)] as const);
    batches.push({ rows: Object.fromEntries(rows), next });
    if (batches.length === count) break;
  }
  return batches;
};

test("each has its names, its size and its order, and together they go on from any place", async () => {
  const all = await take(5);
  for (const { rows } of all) {
    expect(Object.keys(rows).sort()).toEqual([
      "image",
      "mask",
      "unlabelled",
      "unlabelled_view1",
      "view1",
    ]);
    expect([rows.image.length, rows.unlabelled.length]).toEqual([4, 6]);
    expect(rows.unlabelled_view1).toEqual(rows.unlabelled);
  }
  const orderOf = (name: string) => all.flatMap(({ rows }) => rows[name]).slice(0, 10);
  expect(orderOf("image").toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(orderOf("unlabelled").toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(orderOf("image")).not.toEqual(orderOf("unlabelled"));
  expect(all[2].next).toEqual({ epoch: 1, index: 2, beside: { epoch: 1, index: 8 } });
  for (const done of [1, 2, 3]) {
    expect(await take(5 - done, all[done - 1].next)).toEqual(all.slice(done));
  }
});
