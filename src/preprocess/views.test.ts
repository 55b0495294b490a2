import { expect, test } from "vitest";
import { seededRandom } from "../random.ts";
import { makeImage } from "./image.ts";
import { parsePreprocessing } from "./pipeline.ts";
import { AUGMENTATIONS, withViews } from "./views.ts";

const random = seededRandom("views");
const image = makeImage(
  [40, 48, 3],
  Uint8Array.from({ length: 40 * 48 * 3 }, () => random.integer(0, 256)),
);

test("each view has its operations under its own name", () => {
  expect(withViews(["flip_lr", "random_grayscale(1)"])).toBe(
    'decode|copy("image","view1")|flip_lr|random_grayscale(1,key="view1")|value_range(-1,1)|value_range(-1,1,key="view1")',
  );
});

test.each(Object.entries(AUGMENTATIONS))("the views of %s have their sizes", (name, make) => {
  const texts = make(32);
  const { onHost } = parsePreprocessing(withViews(texts));
  const made = onHost({ image }, seededRandom(name));
  const sizes = texts.map((_, i) => made[i === 0 ? "image" : `view${i}`].shape);
  const large = name === "mae" ? 1 : 2;
  expect(sizes).toEqual(texts.map((_, i) => (i < large ? [32, 32, 3] : [12, 12, 3])));
  if (large > 1) expect(made.view1.data).not.toEqual(made.image.data);
});
