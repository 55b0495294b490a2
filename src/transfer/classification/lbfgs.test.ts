import { expect, test } from "vitest";
import { type Evaluation, minimise } from "./lbfgs.ts";

test("a quadratic ends at its minimum, however stretched", async () => {
  const scales = [1, 10, 1000];
  const at = [3, -2, 0.5];
  const bowl = (point: Float64Array): Promise<Evaluation> => {
    const gradient = point.map((x, i) => scales[i] * (x - at[i]));
    const value = point.reduce((sum, x, i) => sum + (scales[i] / 2) * (x - at[i]) ** 2, 0);
    return Promise.resolve({ value, gradient });
  };
  const { point, value, steps } = await minimise(bowl, new Float64Array(3), { tolerance: 1e-9 });
  point.forEach((x, i) => expect(x).toBeCloseTo(at[i], 8));
  expect(value).toBeLessThan(1e-15);
  expect(steps).toBeLessThan(40);
});

test("a curved valley is followed to its end", async () => {
  const rosenbrock = ([x, y]: Float64Array): Promise<Evaluation> =>
    Promise.resolve({
      value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
      gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
    });
  const { point } = await minimise(rosenbrock, Float64Array.of(-1.2, 1), { tolerance: 1e-8 });
  expect(point[0]).toBeCloseTo(1, 6);
  expect(point[1]).toBeCloseTo(1, 6);
});

test("nothing is done where the start is the minimum, nor beyond maxSteps", async () => {
  let calls = 0;
  const square = (point: Float64Array): Promise<Evaluation> => {
    calls++;
    return Promise.resolve({ value: point[0] ** 2, gradient: point.map((x) => 2 * x) });
  };
  expect((await minimise(square, Float64Array.of(0))).steps).toBe(0);
  expect(calls).toBe(1);
  expect((await minimise(square, Float64Array.of(5), { maxSteps: 0 })).point[0]).toBe(5);
});
