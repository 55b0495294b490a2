import { expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, grad, mul, reduceSum, tensor, toNumbers } from "../graph/index.ts";
import { relu } from "./index.ts";

const engine = createInterpreter();
const read = async (x: Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const x = tensor([-2, -0.5, 0, 0.5, 3]);

test("negative elements become 0; the slope at 0 is 0", async () => {
  expect(await read(relu(x))).toEqual([0, 0, 0, 0.5, 3]);
  expect(await read(grad((y: Tensor) => reduceSum(mul(relu(y), 2)))(x))).toEqual([0, 0, 0, 2, 2]);
});

test("NaN stays NaN, and what is cut off has slope 0 whatever comes back", async () => {
  expect(await read(relu(tensor([NaN, -1])))).toEqual([NaN, 0]);
  const steep = grad((y: Tensor) => reduceSum(mul(relu(y), tensor([Infinity, 1]))));
  expect(await read(steep(tensor([-1, 1])))).toEqual([0, 1]);
});
