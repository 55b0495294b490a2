import { expect, test } from "vitest";
import { fromNumbers, tensor } from "../graph/index.ts";
import { createEvaluator } from "./registry.ts";

const model = { names: {}, task: { name: "contrastive" } };
const evaluator = createEvaluator({ type: "retrieval" }, model);

test("recall counts a pair where each finds the other among its nearest", async () => {
  // along a circle: image 2's nearest text is that of image 1, and text 2's nearest image is its own
  const rows = (angles: readonly number[]) =>
    fromNumbers(
      angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]),
      [angles.length, 2],
      "float32",
    );
  const gathered = { sums: {}, rows: { zimg: rows([0, 1, 1.8]), ztxt: rows([0.1, 1.5, 2.4]) } };
  const stream = {
    ...gathered,
    indices: [0, 1, 2],
    labels: [],
    read: () => Promise.reject(Error()),
  };
  const values = Object.fromEntries(await evaluator.summarise({ judged: stream }));
  expect(values["img2txt_recall@1"]).toBeCloseTo(2 / 3, 12);
  expect(values["txt2img_recall@1"]).toBeCloseTo(2 / 3, 12);
  expect(values["img2txt_recall@5"]).toBe(1);
  expect(values["txt2img_recall@10"]).toBe(1);
});

test("a model of images alone is refused", () => {
  const output = tensor([1]);
  expect(() => evaluator.measure({ output, out: {}, batch: {} }, "judged")).toThrow(
    "retrieval needs a model and data of images and texts.",
  );
});
