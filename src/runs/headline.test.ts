import { expect, test } from "vitest";
import { firstWith, inOrder, measuredBy } from "./headline.ts";

const evals = inOrder(
  { often: { accuracy: 0.5, loss: 2 }, near: { knn20: 0.9 }, last: { accuracy: 0.7, loss: 1 } },
  ["near", "last", "often"],
);

test("the order is the configuration's, whatever ran first", () => {
  expect(Object.keys(evals)).toEqual(["near", "last", "often"]);
  expect(firstWith(evals, "accuracy")).toEqual({
    name: "last",
    values: { accuracy: 0.7, loss: 1 },
  });
  expect(firstWith(evals, "ece")).toBeUndefined();
  expect(Object.keys(inOrder({ b: {}, a: {} }, []))).toEqual(["b", "a"]);
});

test("a value is of the first evaluation that has it, or of the one that is named", () => {
  expect(measuredBy(evals, "accuracy")).toEqual({ value: 0.7, loss: 1 });
  expect(measuredBy(evals, "knn20")).toEqual({ value: 0.9, loss: undefined });
  expect(measuredBy(evals, "often/loss")).toEqual({ value: 2, loss: 2 });
  expect(measuredBy(evals, "often/knn20")).toBeUndefined();
  expect(measuredBy(evals, "nothing/loss")).toBeUndefined();
});
