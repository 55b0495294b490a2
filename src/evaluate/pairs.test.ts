import { expect, test } from "vitest";
import { fromNumbers, tensor } from "../graph/index.ts";
import type { Stream } from "./evaluator.ts";
import { createEvaluator } from "./registry.ts";

const model = { names: {}, task: { name: "contrastive" } };
/** Vectors along a circle. */
const along = (angles: readonly number[]) =>
  fromNumbers(
    angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]),
    [angles.length, 2],
    "float32",
  );
const streamOf = (rows: Stream["rows"], indices: readonly number[]): Stream => ({
  ...{ sums: {}, rows, indices, labels: [] },
  read: () => Promise.reject(Error()),
});

test("recall counts a pair where each finds the other among its nearest", async () => {
  const evaluator = createEvaluator({ type: "retrieval", texts: "one" }, model);
  expect(evaluator.streams).toBeUndefined();
  // image 2's nearest text is that of image 1, and text 2's nearest image is its own
  const rows = { zimg: along([0, 1, 1.8]), ztxt: along([0.1, 1.5, 2.4]) };
  const values = Object.fromEntries(
    await evaluator.summarise({ judged: streamOf(rows, [0, 1, 2]) }),
  );
  expect(values["img2txt_recall@1"]).toBeCloseTo(2 / 3, 12);
  expect(values["txt2img_recall@1"]).toBeCloseTo(2 / 3, 12);
  expect(values["img2txt_recall@5"]).toBe(1);
  expect(values["txt2img_recall@10"]).toBe(1);
});

test("every text counts: an image finds any of its own, each text finds its image", async () => {
  const evaluator = createEvaluator({ type: "retrieval" }, model);
  expect(evaluator.streams).toEqual({ texts: { eachText: true } });
  // image 4 could not be read: its text, the last but one, counts no more
  const judged = streamOf({ zimg: along([0, 1, 2]) }, [0, 2, 3]);
  const texts = streamOf({ ztxt: along([0.1, 0.95, 1.1, 1.7, 0, 2.1]) }, [0, 0, 2, 3, 4, 3]);
  const values = Object.fromEntries(await evaluator.summarise({ judged, texts }));
  expect(values["img2txt_recall@1"]).toBeCloseTo(2 / 3, 12); // image 2's nearest is a text of image 0
  expect(values["txt2img_recall@1"]).toBeCloseTo(4 / 5, 12); // 0.95 is nearer to 1 than to 0
});

test("a model of images alone is refused", () => {
  const evaluator = createEvaluator({ type: "retrieval" }, model);
  const output = tensor([1]);
  expect(() => evaluator.measure({ output, out: {}, batch: {} }, "judged")).toThrow(
    "retrieval needs a model and data of images and texts.",
  );
});
