import { expect, test } from "vitest";
import { PredictTally, summaryLines } from "./predict-summary.ts";

test("a summary counts each class, what is uncertain, and what cannot be read", () => {
  const tally = new PredictTally();
  for (const [name, score] of [
    ["cat", 0.9],
    ["猫", 0.49],
    ["cat", 0.5],
  ] as const)
    tally.add({ kind: "ranked", ranked: [{ name, score }] });
  const { summary } = tally;
  expect(summary).toEqual({ classes: { cat: 2, 猫: 1 }, uncertain: 1 });
  expect(summaryLines(summary, { count: 3, skipped: 2 })).toEqual([
    "",
    "summary: 3 images by the most probable class",
    "  cat         2",
    "  猫          1",
    "  uncertain   1  of these, the most probable class has less than 50 %",
    "  unreadable  2  images left out, beside these",
  ]);
});

test("answers that are no classes are counted alone", () => {
  const tally = new PredictTally();
  tally.add({ kind: "text", text: "a cat" });
  expect(tally.summary).toBeUndefined();
  expect(summaryLines(undefined, { count: 1, skipped: 0 })).toEqual([
    "",
    "summary: 1 image, and 0 that cannot be read",
  ]);
});

test("many classes are counted together", () => {
  const tally = new PredictTally();
  for (let k = 0; k < 25; k++) tally.add({ kind: "ranked", ranked: [{ name: `c${k}`, score: 1 }] });
  const lines = summaryLines(tally.summary, { count: 25, skipped: 0 });
  expect(lines).toContain("  … 5 more classes  5");
});
