import { expect, test } from "vitest";
import { fromNumbers, tensor } from "../graph/index.ts";
import type { Stream } from "./evaluator.ts";
import { seededRandom } from "../random.ts";
import { createEvaluator } from "./registry.ts";
import { retrieval } from "./retrieval.ts";

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

test("of equally near images the earlier comes first, and what is NaN counts as wrong", () => {
  const pairs = (zimg: readonly number[], ztxt: readonly number[], owners: readonly number[]) =>
    Object.fromEntries(
      retrieval({
        zimg: fromNumbers(zimg, [zimg.length, 1], "float32"),
        ztxt: fromNumbers(ztxt, [ztxt.length, 1], "float32"),
        imageOfText: fromNumbers(owners, [owners.length], "int32"),
      }),
    );
  expect(pairs([1, 1, 1], [1, 1, 1], [0, 1, 2])).toMatchObject({
    "img2txt_recall@1": 1 / 3,
    "txt2img_recall@1": 1 / 3,
    "txt2img_recall@5": 1,
  });
  expect(pairs([NaN, NaN], [1, 1], [0, 1])["txt2img_recall@1"]).toBe(0);
  expect(() => pairs([1, 2], [1], [2])).toThrow("a text belongs to image 2; there are 2.");
});

test("ranks are those of a list of all products, sorted", () => {
  const random = seededRandom("retrieval");
  const numbers = (count: number): number[] =>
    Array.from({ length: count }, () => random.integer(-2, 3));
  const [images, texts, dim] = [23, 60, 2]; // whole numbers, so that many are equally near
  const [zimg, ztxt] = [numbers(images * dim), numbers(texts * dim)];
  const owners = Array.from({ length: texts }, () => random.integer(0, images));
  const values = Object.fromEntries(
    retrieval({
      zimg: fromNumbers(zimg, [images, dim], "float32"),
      ztxt: fromNumbers(ztxt, [texts, dim], "float32"),
      imageOfText: fromNumbers(owners, [texts], "int32"),
    }),
  );
  const product = (image: number, text: number): number =>
    zimg[image * dim] * ztxt[text * dim] + zimg[image * dim + 1] * ztxt[text * dim + 1];
  const places = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
  for (const k of [1, 5, 10]) {
    const byImage = places(images).filter((image) =>
      places(texts)
        .sort((a, b) => product(image, b) - product(image, a) || a - b)
        .slice(0, k)
        .some((text) => owners[text] === image),
    );
    const byText = places(texts).filter((text) =>
      places(images)
        .sort((a, b) => product(b, text) - product(a, text) || a - b)
        .slice(0, k)
        .includes(owners[text]),
    );
    expect(values[`img2txt_recall@${k}`]).toBe(byImage.length / images);
    expect(values[`txt2img_recall@${k}`]).toBe(byText.length / texts);
  }
});

test("a model of images alone is refused", () => {
  const evaluator = createEvaluator({ type: "retrieval" }, model);
  const output = tensor([1]);
  expect(() => evaluator.measure({ output, out: {}, batch: {} }, "judged")).toThrow(
    "retrieval needs a model and data of images and texts.",
  );
});
