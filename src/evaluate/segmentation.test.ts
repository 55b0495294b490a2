import { expect, test } from "vitest";
import { type DeviceArray, jit } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type HostArray, type Tensor, fromNumbers } from "../graph/index.ts";
import { JUDGED, type Stream } from "./evaluator.ts";
import { overlapValues, segmentation } from "./segmentation.ts";

const names = { map: ["ground", "cat", "dog", "cow"] };
const evaluator = segmentation.create({}, { names, task: { name: "segmentation" } });

/** Values of 2 × 3 pixels: maps by the class of the largest logit, 255 in the truth where it says nothing. */
async function valuesOf(found: readonly number[][], truth: readonly number[][], mask: number[]) {
  const batch = found.length;
  const hot = found.flat().flatMap((k) => [0, 1, 2, 3].map((other) => (k === other ? 5 : 0)));
  const run = jit(createInterpreter(), (output: Tensor, given: Record<string, Tensor>) => ({
    ...evaluator.measure({ output, out: {}, batch: given }, JUDGED),
  }));
  const { sums, rows } = (await run(fromNumbers(hot, [batch, 2, 3, 4], "float32"), {
    map: fromNumbers(truth.flat(), [batch, 2, 3], "int32"),
    mask: fromNumbers(mask, [batch], "float32"),
  })) as Record<"sums" | "rows", Record<string, DeviceArray>>;
  const stream: Record<string, HostArray> = {};
  for (const [name, array] of Object.entries(rows)) stream[name] = await array.read();
  const totals: Record<string, number> = {};
  for (const [name, array] of Object.entries(sums))
    totals[name] = Number((await array.read()).data[0]);
  const judged: Stream = {
    ...{ sums: totals, rows: stream, indices: [], labels: [] },
    read: () => Promise.reject(new Error("no examples")),
  };
  return Object.fromEntries(await evaluator.summarise({ judged }));
}

test("the overlap is of all images together, without ignored pixels and padding", async () => {
  const found = [
    [0, 0, 1, 1, 2, 1],
    [0, 1, 1, 1, 0, 0],
    [3, 3, 3, 3, 3, 3], // padding
  ];
  const truth = [
    [0, 0, 1, 0, 1, 255],
    [0, 1, 1, 0, 0, 255],
    [0, 0, 0, 0, 0, 0],
  ];
  const values = await valuesOf(found, truth, [1, 1, 0]);
  // ground: 4 of 6 there and 4 found; cat: 3 of 4 there and 5 found; dog: found once, never there; cow: neither.
  expect(values.miou).toBeCloseTo((4 / 6 + 3 / 6 + 0) / 3, 12);
  expect(values.pixel_accuracy).toBeCloseTo(7 / 10, 12);
  expect(values.mean_class_accuracy).toBeCloseTo((4 / 6 + 3 / 4) / 2, 12);
  expect(values.frequency_weighted_iou).toBeCloseTo((6 * (4 / 6) + 4 * (3 / 6)) / 10, 12);
  expect(values["iou/ground"]).toBeCloseTo(4 / 6, 12);
  expect(values["iou/cat"]).toBeCloseTo(3 / 6, 12);
  expect(values["iou/dog"]).toBe(0);
  expect(values).not.toHaveProperty("iou/cow");
  const right = Math.log(1 + 3 * Math.exp(-5));
  expect(values.loss).toBeCloseTo((7 * right + 3 * (5 + right)) / 10, 5);
});

test("maps without a class are an error", () => {
  const none = { hits: [0, 0], truth: [0, 0], found: [3, 0] };
  expect(() => overlapValues(none, ["ground", "cat"])).toThrow("no pixel of the maps has a class");
});
