import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import {
  type Tensor,
  div,
  norm,
  normal,
  oneHot,
  arange,
  randomKey,
  scalar,
  sliceAxis,
  tensor,
  toNumbers,
  valueAndGrad,
} from "../graph/index.ts";
import { pairLogits } from "../models/index.ts";
import { bidirectionalContrastive, maskedMean, sigmoidContrastive, sigmoidXent } from "./index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const unit = (z: Tensor): Tensor => div(z, norm(z, 1, { keepDims: true }));

type Given = Readonly<Record<"zimg" | "ztxt" | "t" | "b", Tensor>>;

const pairs = (batch: number): Given => ({
  zimg: unit(normal(randomKey(1), [batch, 6])),
  ztxt: unit(normal(randomKey(2), [batch, 6])),
  t: scalar(8),
  b: scalar(-3),
});

/** Value and gradients, one after the other. */
async function slopes(loss: (given: Given) => Tensor, given: Given): Promise<number[]> {
  const { value, grads } = valueAndGrad(loss)(given);
  const parts = await Promise.all([value, ...Object.values(grads)].map(read));
  return parts.flat();
}

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]))) / Math.max(...b.map(Math.abs));

const plainSigmoid = ({ zimg, ztxt, t, b }: Given): Tensor => {
  const labels = oneHot(arange(zimg.shape[0]), zimg.shape[0]);
  return maskedMean(sigmoidXent(pairLogits(zimg, ztxt, t, b), labels));
};

test.each([1, 2, 3, 4, 7, 8, 100])(
  "the sigmoid loss in chunks of %i is the plain one",
  async (chunk) => {
    const given = pairs(8);
    const chunked = ({ zimg, ztxt, t, b }: Given): Tensor =>
      maskedMean(sigmoidContrastive(zimg, ztxt, t, { bias: b, chunk }));
    expect(apart(await slopes(chunked, given), await slopes(plainSigmoid, given))).toBeLessThan(
      1e-5,
    );
  },
);

test.each([1, 3, 4, 8])("the softmax loss in chunks of %i is the whole one", async (chunk) => {
  const given = pairs(8);
  const mask = tensor([true, true, false, true, true, false, true, true]);
  for (const kept of [undefined, mask]) {
    const of = (size?: number) => (z: Given) =>
      maskedMean(bidirectionalContrastive(z.zimg, z.ztxt, z.t, kept, size).loss, kept);
    expect(apart(await slopes(of(chunk), given), await slopes(of(), given))).toBeLessThan(1e-5);
    const right = (size?: number) =>
      read(bidirectionalContrastive(given.zimg, given.ztxt, given.t, kept, size).correct);
    expect(await right(chunk)).toEqual(await right());
  }
});

test("pairs that are left out neither count nor stand against others", async () => {
  const { zimg, ztxt, t, b } = pairs(6);
  const mask = tensor([true, true, true, true, false, false]);
  const four = (z: Tensor): Tensor => sliceAxis(z, 0, 0, 4);
  const few = await read(sigmoidContrastive(four(zimg), four(ztxt), t, { bias: b }));
  for (const chunk of [2, 4, 6]) {
    const all = await read(sigmoidContrastive(zimg, ztxt, t, { bias: b, mask, chunk }));
    expect(apart(all.slice(0, 4), few)).toBeLessThan(1e-6);
    expect(all.slice(4)).toEqual([0, 0]);
  }
});

test("one pair has no softmax loss, and a sigmoid loss of softplus(−(t cos + b))", async () => {
  const { zimg, ztxt, t, b } = pairs(1);
  expect(Math.abs((await read(bidirectionalContrastive(zimg, ztxt, t).loss))[0])).toBeLessThan(
    1e-6,
  );
  const [cosine] = await read(pairLogits(zimg, ztxt, scalar(1)));
  const [loss] = await read(sigmoidContrastive(zimg, ztxt, t, { bias: b }));
  expect(loss).toBeCloseTo(Math.log1p(Math.exp(-(8 * cosine - 3))), 5);
});

test("a batch of which nothing counts has the loss 0 and gradients of 0", async () => {
  const given = pairs(4);
  const mask = tensor([false, false, false, false]);
  const sigmoid = ({ zimg, ztxt, t, b }: Given): Tensor =>
    maskedMean(sigmoidContrastive(zimg, ztxt, t, { bias: b, mask, chunk: 2 }), mask);
  expect(new Set((await slopes(sigmoid, given)).map(Math.abs))).toEqual(new Set([0]));
  for (const chunk of [undefined, 2]) {
    const { loss } = bidirectionalContrastive(given.zimg, given.ztxt, given.t, mask, chunk);
    expect(await read(maskedMean(loss, mask))).toEqual([0]);
  }
});

test("sizes that cannot be are errors", () => {
  const { zimg, ztxt, t } = pairs(4);
  expect(() => sigmoidContrastive(zimg, ztxt, t, { chunk: 0 })).toThrow(
    "chunk must be a whole number of 1 or more, not 0.",
  );
  expect(() => bidirectionalContrastive(zimg, ztxt, t, undefined, 1.5)).toThrow("not 1.5.");
  expect(() => sigmoidContrastive(zimg, normal(randomKey(0), [3, 6]), t)).toThrow(
    "pairs need embeddings of one shape, not float32[4,6] and float32[3,6].",
  );
});
