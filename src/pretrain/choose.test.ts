/** @file What is chosen, from times that are known. */

import { expect, test } from "vitest";
import { configSchema } from "../config/config.ts";
import { validate } from "../config/validate.ts";
import { type Candidate, PRETRAIN_METHODS, batchFor, choose, configOf } from "./choose.ts";

/** A machine whose step takes so many seconds at 32 pixels, and more as pixels grow; `slow` of each method. */
function machine(seconds: number, growth = 2, slow: Partial<Record<string, number>> = {}) {
  const tried: string[] = [];
  const measure = ({ method, size }: Candidate) => {
    tried.push(`${method} ${size}`);
    return Promise.resolve(seconds * (size / 32) ** growth * (slow[method] ?? 1));
  };
  return { tried, measure };
}

test("the largest size that leaves fifty epochs is taken, and measured before it is", async () => {
  const { tried, measure } = machine(0.1);
  const hour = () => 3600;
  // 5,000 pictures: an epoch is 39 steps of 128, 3.9 s at 32 pixels, so 922 epochs; 231 at 64, 103 at 96, 58 at 128
  const chosen = await choose({ pictures: 5000, side: 200 }, hour, measure);
  expect(tried).toEqual(["simclr 32", "simclr 128"]);
  expect(chosen).toMatchObject({ method: "simclr", size: 128, batchSize: 128 });
  expect(chosen.steps).toBe(2250); // 3600 s / 1.6 s
  expect(chosen.epochs).toBeCloseTo(57.6, 6);
  expect(chosen.why[0]).toContain("the largest that the pictures, of 200, fill");
});

test("pictures are not enlarged, and a size that is slower than foreseen is left", async () => {
  const small = machine(0.001);
  expect(await choose({ pictures: 5000, side: 60 }, () => 3600, small.measure)).toMatchObject({
    size: 48,
    epochs: expect.closeTo(800, 0) as number, // no more than in the papers
  });
  const steep = machine(0.1, 4); // sixteen times as slow at twice the side
  const chosen = await choose({ pictures: 5000, side: 200 }, () => 3600, steep.measure);
  expect(steep.tried).toEqual(["simclr 32", "simclr 128", "simclr 96", "simclr 64"]);
  expect(chosen).toMatchObject({ size: 64, stepSeconds: expect.closeTo(1.6, 9) as number });
  expect(chosen.why[0]).toContain("a larger one would leave fewer than 50 epochs");
});

test("where contrastive learning would have too few epochs, rotation is taken; a method asked for stays", async () => {
  const { tried, measure } = machine(0.1, 2, { rotation: 0.5 });
  const chosen = await choose({ pictures: 50_000, side: 200 }, () => 60, measure);
  expect(tried).toEqual(["simclr 32", "rotation 32"]);
  expect(chosen).toMatchObject({ method: "rotation", steps: 1200 });
  expect(chosen.why[1]).toMatch(/rotation: .* simclr would have 1\.5 of at least 10/);
  const asked = await choose({ pictures: 50_000, side: 200 }, () => 60, measure, "mae");
  expect(asked.method).toBe("mae");
});

test("the time goes by while steps are measured", async () => {
  let left = 100;
  const chosen = await choose(
    { pictures: 1000, side: 32 },
    () => left,
    () => Promise.resolve(((left -= 40), 0.5)),
  );
  expect(chosen.steps).toBe(120); // of 60 s
});

test("few pictures make small batches, and too few are refused", async () => {
  expect([40, 64, 250, 256, 9000].map(batchFor)).toEqual([16, 32, 64, 128, 128]);
  await expect(choose({ pictures: 31, side: 32 }, () => 9, machine(1).measure)).rejects.toThrow(
    "31 pictures are too few to learn from without labels.",
  );
});

test.each(PRETRAIN_METHODS)("%s is a valid configuration of every size", (method) => {
  for (const size of [32, 48, 64, 96, 128]) {
    const config = { ...configOf({ method, size, batchSize: 64 }), duration: { steps: 9 } };
    const whole = { ...config, data: { name: "folder", dir: "it", labels: "none" } };
    expect(validate(configSchema(), whole).objective.name).toBe(method);
  }
});
