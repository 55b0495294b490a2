import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type Spec,
  type Tensor,
  abs,
  dotGeneral,
  fromNumbers,
  full,
  indexAxis,
  normal,
  randomKey,
  reduceMax,
  reshape,
  stack,
  sub,
  toNumbers,
} from "../graph/index.ts";
import { apply, initialise, patches } from "../nn/index.ts";
import { toFlat } from "../tree.ts";
import { flexivit, resamplePosemb, resizePatchKernel, resizePositions } from "./index.ts";
import { linearMap, resizeGrid } from "./resize.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const image: Spec = { shape: [2, 24, 24, 3], dtype: "float32" };
const draw = (seed: number, ...shape: number[]): Tensor => normal(randomKey(seed), shape);

test.each([5, 6, 11])(
  "a 4×4 kernel at %i pixels sees in a resized picture what it saw",
  async (size) => {
    const [kernel, picture] = [draw(0, 4, 4, 2, 3), draw(1, 4, 4, 2)];
    const map = linearMap(4, size, false);
    const embed = (pixels: Tensor, weights: Tensor): Tensor =>
      dotGeneral(pixels, weights, { lhsContract: [0, 1, 2], rhsContract: [0, 1, 2] });
    const before = embed(picture, kernel);
    const after = embed(resizeGrid(picture, map, map), resizePatchKernel(kernel, [size, size]));
    const [difference] = await read(reduceMax(abs(sub(before, after))));
    expect(difference).toBeLessThan(1e-5);
  },
);

test("each axis of a kernel is resized by its own map", () => {
  expect(resizePatchKernel(draw(0, 4, 6, 2, 3), [3, 9]).shape).toEqual([3, 9, 2, 3]);
  const kernel = draw(0, 4, 6, 2, 3);
  expect(resizePatchKernel(kernel, [4, 6])).toBe(kernel);
});

test("one set of weights serves any number of patches", () => {
  const model = flexivit({
    width: 16,
    depth: 1,
    numHeads: 2,
    patchSize: [6, 6],
    posembSize: [4, 4],
  });
  const { params } = initialise(model, randomKey(0), image);
  expect(toFlat<Tensor>(params).pos_embedding.shape).toEqual([1, 16, 16]);
  const tokens = (seqhw?: number): readonly number[] => {
    const { result } = apply(
      (scope, x: Tensor) => model(scope, x, seqhw),
      { params },
      full(image.shape, 1),
    );
    return toFlat<Tensor>(result[1]).encoded.shape;
  };
  expect([undefined, 2, 3, 6].map(tokens)).toEqual([
    [2, 16, 16],
    [2, 4, 16],
    [2, 9, 16],
    [2, 36, 16],
  ]);
  expect(() => tokens(25)).toThrow("an image of 24×24 has no grid of 25 patches.");
});

test("at its own patch size it is the plain embedding", async () => {
  const model = flexivit({
    width: 16,
    depth: 1,
    numHeads: 2,
    patchSize: [6, 6],
    posembSize: [4, 4],
  });
  const { params } = initialise(model, randomKey(0), image);
  const x = draw(3, ...image.shape);
  const { result } = apply(model, { params }, x);
  const plain = dotGeneral(patches(x, [6, 6]), toFlat<Tensor>(params)["embedding/kernel"], {
    lhsContract: [3, 4, 5],
    rhsContract: [0, 1, 2],
  });
  const [difference] = await read(reduceMax(abs(sub(toFlat<Tensor>(result[1]).stem, plain))));
  expect(difference).toBeLessThan(1e-6);
});

test("smaller grids of positions average over what they cover", async () => {
  const ramp = reshape(stack([0, 1, 2, 3].map((i) => full([4, 1], i))), [1, 16, 1]); // rows 0, 1, 2, 3
  const rows = await read(indexAxis(reshape(resizePositions(ramp, [4, 4], [2, 2]), [2, 2]), 1, 0));
  // a tent of width 2 pixels about 0.5 over 0, 1, 2: (.75 · 0 + .75 · 1 + .25 · 2) / 1.75
  expect(rows[0]).toBeCloseTo(1.25 / 1.75, 6);
  expect(rows[1]).toBeCloseTo(3 - 1.25 / 1.75, 6);
});

const positions = (side: number) =>
  fromNumbers(
    Array.from({ length: side * side }, (_, i) => Math.floor(i / side) - 2 * (i % side)),
    [1, side * side, 1],
    "float32",
  );

// scipy.ndimage.zoom loses the last row and column from 32 to 16: 31 / 15 · 15 rounds to more than 31.
test.each([
  [3, 5],
  [32, 16],
  [7, 1],
])("resampled positions keep the corners of a grid from %i to %i", (from, to) => {
  const { shape, data } = resamplePosemb(positions(from), [to, to]);
  expect(shape).toEqual([1, to * to, 1]);
  const end = to > 1 ? from - 1 : 0;
  const corners = [data[0], data[to - 1], data[to * (to - 1)], data[to * to - 1]];
  [0, -2 * end, end, -end].forEach((want, i) => expect(corners[i]).toBeCloseTo(want, 4));
});

test("resampled positions of a plane lie on it, whatever the new grid's sides", () => {
  const { data } = resamplePosemb(positions(4), [7, 3]);
  Array.from(
    { length: 21 },
    (_, i) => (3 * Math.floor(i / 3)) / 6 - 2 * ((3 * (i % 3)) / 2),
  ).forEach((want, i) => expect(data[i]).toBeCloseTo(want, 5));
});

test("positions of a grid that is not square are an error", () => {
  const given = fromNumbers(new Float32Array(10), [1, 10, 1], "float32");
  expect(() => resamplePosemb(given, [2, 2])).toThrow("are [1, n², width], not [1,10,1].");
});
