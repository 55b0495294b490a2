import { expect, test } from "vitest";
import { balancedSource, balancedWeights } from "./balanced.ts";
import { trainingOrder } from "../stream/order.ts";
import type { Source } from "../source.ts";

const labels = [...new Array<number>(90).fill(0), ...new Array<number>(10).fill(2)];
const source: Source = {
  length: 100,
  fields: { image: "image", label: "class" },
  names: { label: ["a", "b", "c"] },
  id: (index) => `${labels[index]}/${index}`,
  read: () => Promise.reject(new Error("not read")),
};

test("every class that has examples is visited equally often, each example in its turn", () => {
  const balanced = balancedSource(source, labels);
  const visits = trainingOrder(balanced, 0);
  const seen = Array.from({ length: 2000 }, () => balanced.id(visits.next().value.index));
  const small = seen.filter((id) => id.startsWith("2/"));
  expect(Math.abs(small.length - 1000)).toBeLessThan(90); // four standard deviations
  expect(new Set(small.slice(0, 10)).size).toBe(10);
  expect(new Set(seen).size).toBe(100);
});

test("weights make every class count the same", () => {
  const [a, c] = balancedWeights([...labels.map((label) => label / 2)], ["a", "c"]);
  expect(90 * a).toBeCloseTo(10 * c, 10);
  expect((90 * a + 10 * c) / 100).toBeCloseTo(1, 10);
  expect(() => balancedWeights(labels, source.names.label)).toThrow(
    'the class "b" has no training image',
  );
});
