import { expect, test } from "vitest";
import { seededRandom } from "../../random.ts";
import { type Scored, qualityOfScores } from "./quality.ts";
import { findTemperature } from "./temperature.ts";

/** Labels drawn from the softmax of scores, which are then multiplied. */
function drawn(count: number, classes: number, times: number): Scored {
  const random = seededRandom("temperature");
  const logits: Float64Array[] = [];
  const labels: number[] = [];
  for (let i = 0; i < count; i++) {
    const row = Float64Array.from({ length: classes }, () => 4 * random.uniform());
    const weights = row.map(Math.exp);
    let rest = random.uniform() * weights.reduce((a, b) => a + b);
    const label = weights.findIndex((weight) => (rest -= weight) < 0);
    labels.push(label);
    logits.push(row.map((score) => times * score));
  }
  return { logits, labels };
}

const divided = ({ logits, labels }: Scored, by: number): Scored => ({
  logits: logits.map((row) => row.map((score) => score / by)),
  labels,
});

test("scores that are five times too large are divided by five, and are calibrated then", () => {
  const scored = drawn(20_000, 4, 5);
  const temperature = findTemperature(scored);
  expect(temperature).toBeGreaterThan(4.8);
  expect(temperature).toBeLessThan(5.2);
  expect(qualityOfScores(scored).ece).toBeGreaterThan(0.2);
  const after = qualityOfScores(divided(scored, temperature));
  expect(after.ece).toBeLessThan(0.015);
  expect(after.accuracy).toBe(qualityOfScores(scored).accuracy);
});

test("n images that are all right make the model as sure as n + 1 of n + 2", () => {
  const logits = Array.from({ length: 6 }, (_, i) =>
    Float64Array.of(i % 2 ? 0 : 90, i % 2 ? 90 : 0),
  );
  const labels = [0, 1, 0, 1, 0, 1];
  const { probability } = qualityOfScores(
    divided({ logits, labels }, findTemperature({ logits, labels })),
  );
  for (const one of probability) expect(one).toBeCloseTo(7 / 8, 6);
});

test("scores that say nothing become even chances", () => {
  const logits = Array.from({ length: 8 }, () => Float64Array.of(3, -3));
  const scored = { logits, labels: [0, 1, 1, 1, 0, 1, 1, 0] };
  const { probability } = qualityOfScores(divided(scored, findTemperature(scored)));
  for (const one of probability) expect(one).toBeCloseTo(0.5, 3);
});
