import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, full, grad, mean, randomKey, tensor, toNumbers } from "../graph/index.ts";
import {
  bidirectionalContrastive,
  maskedMean,
  mix,
  mixupCoefficient,
  sigmoidXent,
  smoothLabels,
  softmaxXent,
  weightedSoftmaxXent,
} from "./index.ts";

// What equals big_vision's numbers is in src/parity; here are the properties and the edges.
const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));

test("the divergence of a distribution from itself is 0", async () => {
  const logits = tensor([[1, 2, 3]]);
  const weights = [1, 2, 3].map(Math.exp);
  const total = weights.reduce((a, b) => a + b, 0);
  const [kl] = await read(
    softmaxXent(logits, tensor([weights.map((w) => w / total)]), { kl: true }),
  );
  expect(Math.abs(kl)).toBeLessThan(1e-6);
});

test("sigmoidXent stays finite where the sigmoid saturates", async () => {
  const logits = tensor([[1000, -1000, 1000]]);
  expect(await read(sigmoidXent(logits, tensor([[1, 0, 0]])))).toEqual([1000]);
  const slope = grad((x: Tensor) => mean(sigmoidXent(x, tensor([[1, 0, 0]]))))(logits);
  expect(await read(slope)).toEqual([0, 0, 1]);
});

test("smoothing moves labels towards the uniform distribution", async () => {
  const labels = tensor([[0, 1, 0, 0]]);
  expect(await read(smoothLabels(labels, 0.2))).toEqual([0.05, 0.85, 0.05, 0.05].map(Math.fround));
  expect(smoothLabels(labels, 0)).toBe(labels);
});

test("a sequence loss refuses other ranks, naming the shapes", () => {
  expect(() => weightedSoftmaxXent(tensor([[1, 2]]), tensor([0], "int32"))).toThrow(
    "weightedSoftmaxXent(float32[1,2], int32[1]): takes logits [batch, length, classes]",
  );
});

test("pairs that are masked away change nothing", async () => {
  const z = (...rows: number[][]) => tensor(rows);
  const t = full([], 2);
  const two = bidirectionalContrastive(z([1, 0], [0, 1]), z([1, 0], [0, 1]), t);
  const three = bidirectionalContrastive(
    z([1, 0], [0, 1], [5, 5]),
    z([1, 0], [0, 1], [5, 5]),
    t,
    tensor([true, true, false]),
  );
  expect((await read(three.loss)).slice(0, 2)).toEqual(await read(two.loss));
  expect((await read(three.loss))[2]).toBe(0);
});

test("a mean over nothing is 0", async () => {
  const values = tensor([3, 5]);
  expect(await read(maskedMean(values, tensor([false, false])))).toEqual([0]);
  expect(await read(maskedMean(values, tensor([0, 1])))).toEqual([5]);
  expect(await read(maskedMean(values))).toEqual([4]);
});

test("the partner of a row is the row before it", async () => {
  const mixed = mix(
    tensor([
      [1, 10],
      [2, 20],
      [3, 30],
    ]),
    tensor(0.75) as Tensor,
  );
  expect(await read(mixed)).toEqual([1.5, 15, 1.75, 17.5, 2.75, 27.5]);
});

test("the coefficient lies in [0.5, 1] and has the mean of max(λ, 1 − λ)", async () => {
  const draws = await Promise.all(
    Array.from({ length: 400 }, (_, i) => read(mixupCoefficient(randomKey(i), 1))),
  );
  const values = draws.flat();
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0.5);
  expect(Math.max(...values)).toBeLessThanOrEqual(1);
  const average = values.reduce((a, b) => a + b, 0) / values.length;
  expect(Math.abs(average - 0.75)).toBeLessThan(0.03); // uniform on [0.5, 1]: 4 standard errors
  expect(() => mixupCoefficient(randomKey(0), 0)).toThrow("mixup's p must be above 0, not 0.");
});
