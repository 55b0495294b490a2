import fc from "fast-check";
import { expect, test } from "vitest";
import { makeImage } from "../image.ts";
import { seededRandom } from "../../random.ts";
import { RESIZE_METHODS, resize } from "../resize/resize.ts";
import { kernels } from "./kernels.ts";

test("there are kernels here", () => expect(kernels()).toBeDefined());

const side = fc.integer({ min: 1, max: 70 });
const noise = (height: number, width: number, seed: number) => {
  const random = seededRandom("noise", seed);
  const data = Uint8Array.from({ length: height * width * 3 }, () => random.integer(0, 256));
  return makeImage([height, width, 3], data);
};

test.each(RESIZE_METHODS)("%s gives what the loops give, bit for bit", (method) => {
  const sizes = fc.tuple(side, side, side, side, fc.integer({ min: 0 }), fc.boolean());
  fc.assert(
    fc.property(sizes, ([h, w, height, width, seed, antialias]) => {
      const image = noise(h, w, seed);
      const options = { method, antialias };
      const fast = resize(image, [height, width], options);
      const plain = resize(image, [height, width], { ...options, plain: true });
      expect(fast.shape).toEqual(plain.shape);
      expect(Buffer.compare(fast.data as Uint8Array, plain.data as Uint8Array)).toBe(0);
    }),
    { numRuns: 60, seed: 1 },
  );
});

test("an image that is too large for the kernels' memory goes through the loops", () => {
  const image = makeImage([20_000, 1200, 3], new Uint8Array(72_000_000).fill(9));
  const { data } = resize(image, [4, 4], { method: "pil_box", antialias: false });
  expect([...data]).toEqual(new Array(48).fill(9));
  expect(kernels()!.memory.buffer.byteLength).toBeLessThan(72_000_000);
});
