import { expect, test } from "vitest";
import { accuracyError, chooseBest } from "./choose.ts";

test("of accuracies that 37 images cannot tell apart the least loss is taken, not the best accuracy", () => {
  const judged = [
    { accuracy: 0.4, loss: 0.3 }, // more than a standard error below the best
    { accuracy: 0.8, loss: 0.56 },
    { accuracy: 0.83, loss: 1.25 },
  ];
  expect(accuracyError(0.83, 37)).toBeCloseTo(0.0618, 4);
  expect(chooseBest(judged, 37)).toBe(1);
});

test("many images do tell them apart", () => {
  const judged = [
    { accuracy: 0.8, loss: 0.56 },
    { accuracy: 0.83, loss: 1.25 },
  ];
  expect(chooseBest(judged, 3700)).toBe(1);
});

test("of equals the first is taken, and where all is right the least loss", () => {
  expect(chooseBest([{ accuracy: 1, loss: 0.2 }, { accuracy: 1, loss: 0.1 }], 6)).toBe(1); // prettier-ignore
  expect(chooseBest([{ accuracy: 1, loss: 0.1 }, { accuracy: 1, loss: 0.1 }], 6)).toBe(0); // prettier-ignore
});
