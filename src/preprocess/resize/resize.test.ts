import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readNpz } from "../../formats/npz.ts";
import { crop, imageOf, makeImage } from "../image.ts";
import { RESIZE_METHODS, type ResizeMethod, resize } from "./resize.ts";

// 50 × 60 pixels to 16 × 16 have the scale of the 200 × 240 ones that TensorFlow resized to 64 × 64: away from the
// cut, the outputs are the same.
const corner = readNpz(
  readFileSync(
    new URL("../../../tests/golden/preprocessing/tensorflow-corner.npz", import.meta.url),
  ),
);
const recorded = Object.keys(corner).filter((name) => name.startsWith("out/"));

test.each(recorded)("%s equals TensorFlow", (name) => {
  const [, method, kind] = /^out\/(\w+)_(plain|antialias)$/.exec(name)!;
  const image = imageOf("test", corner["in/image"]);
  const options = { method: method as ResizeMethod, antialias: kind === "antialias" };
  const small = crop(resize(image, [16, 16], options), { y: 0, x: 0, height: 12, width: 12 });
  expect(small.data).toEqual(corner[name].data);
});

test("all methods were recorded", () => expect(recorded).toHaveLength(10));

test.each(RESIZE_METHODS)("%s keeps an even image even", (method) => {
  for (const antialias of [false, true]) {
    const floats = makeImage([9, 7, 2], new Float32Array(126).fill(0.5));
    const bytes = makeImage([9, 7, 2], new Uint8Array(126).fill(100));
    const image = method.startsWith("pil_") ? bytes : floats;
    const result = resize(image, [5, 11], { method, antialias });
    expect(result.shape).toEqual([5, 11, 2]);
    for (const value of result.data) expect(value).toBeCloseTo(image.data[0], 6);
  }
});

test("Pillow's methods take bytes", () => {
  const floats = makeImage([2, 2, 1], new Float32Array(4));
  const options = { method: "pil_box", antialias: false } as const;
  expect(() => resize(floats, [1, 1], options)).toThrow(
    "pil_box takes an image of uint8, not float32",
  );
});
