/** @file GSAM's second gradient against its definition in NumPy, on random numbers. */

import { afterAll, expect, test } from "vitest";
import { evaluate } from "../engines/engine.ts";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { type Tensor, scalar, tensor, toNumbers } from "../graph/index.ts";
import { type Named, gsam } from "./index.ts";

const engine = createInterpreter();
afterAll(() => engine.dispose());

const WEIGHTS = {
  a: [0.5, -1.2, 0.3],
  b: [
    [2.0, -0.7],
    [0.1, 0.9],
  ],
};
const FIRST = {
  a: [0.1, 0.4, -0.2],
  b: [
    [-0.3, 0.8],
    [0.05, -0.6],
  ],
};
const SECOND = {
  a: [0.2, 0.3, -0.5],
  b: [
    [-0.1, 0.9],
    [0.25, -0.4],
  ],
};
const named = (values: typeof WEIGHTS): Named => ({ a: tensor(values.a), b: tensor(values.b) });
const numbers = async (tensors: Named): Promise<number[]> => {
  const read = async (x: Tensor) => toNumbers(await evaluate(engine, x));
  return [...(await read(tensors.a)), ...(await read(tensors.b))];
};
const close = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 6));

/**
 * In NumPy, with w, g, r the weights and both gradients, each in one row:
 * rho = rmin + (rmax - rmin) * (lr - lr_min) / (lr_max - lr_min); n = norm(g); rn = norm(r); cos = dot(g, r) / (n * rn)
 * w + rho * g / n; w + abs(w) * rho * g / n; r - alpha * (g - cos * n * r / rn)
 */
const OPTIONS = { rhoMax: 0.6, rhoMin: 0.1, alpha: 0.6, lrMin: 1e-4 };
const PLAIN = [0.53746578, -1.05013687, 0.22506843, 1.88760265, -0.40027373, 0.11873289, 0.6752053];
const ADAPTIVE = [
  0.51873289, -1.02016424, 0.27752053, 1.7752053, -0.49019161, 0.10187329, 0.69768477,
];
const CONSTANT = [
  0.55257295, -0.98970818, 0.19485409, 1.84228114, -0.27941636, 0.12628648, 0.58456227,
];
const COMBINED = [
  0.24481547, 0.2172232, -0.64203866, 0.02759227, 0.8916696, 0.35101933, -0.24963093,
];

test("the second gradient is taken uphill, so far as the learning rate says", async () => {
  const at = (options: object, rate: number): Promise<number[]> => {
    const { at } = gsam({ ...OPTIONS, ...options }, 3e-3);
    return numbers(at(named(WEIGHTS), named(FIRST), scalar(rate)));
  };
  expect(await at({}, 2e-3)).toEqual(close(PLAIN));
  expect(await at({ adaptive: true }, 2e-3)).toEqual(close(ADAPTIVE));
  expect(await at({ rhoMin: undefined }, 2e-3)).toEqual(close(CONSTANT));
  expect(await at({}, 3e-3)).toEqual(close(CONSTANT)); // at the largest rate
});

test("of the second gradient the gap's part is taken off; plain SAM takes it as it is", async () => {
  const combined = gsam(OPTIONS, 3e-3).combine(named(FIRST), named(SECOND));
  expect(await numbers(combined)).toEqual(close(COMBINED));
  const plain = gsam({ rhoMax: 0.1 }, 3e-3).combine(named(FIRST), named(SECOND));
  expect(await numbers(plain)).toEqual(close([...SECOND.a, ...SECOND.b.flat()]));
});
