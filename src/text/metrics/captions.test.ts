import { expect, test } from "vitest";
import { bleu } from "./bleu.ts";
import type { JudgedCaption } from "./captions.ts";
import { ciderD } from "./cider.ts";
import { rougeL } from "./rouge.ts";

/** Equal to their references, in part, and in nothing. */
const CAPTIONS: readonly JudgedCaption[] = [
  { caption: "a red bird on a branch", references: ["a red bird on a branch", "a bird sits"] },
  { caption: "two dogs run", references: ["two dogs run on grass"] },
  { caption: "an old car", references: ["waves at the beach"] },
];

test("BLEU: precisions by hand, the penalty for brevity, and the nearest reference's length", () => {
  const scores = bleu(CAPTIONS);
  // 9 of 12 words, 7 of 9 pairs; 12 words beside 6 + 5 + 4
  const penalty = Math.exp(1 - 15 / 12);
  expect(scores[0].score).toBeCloseTo((9 / 12) * penalty, 9);
  expect(scores[1].score).toBeCloseTo(Math.sqrt((9 / 12) * (7 / 9)) * penalty, 9);
  expect(scores.map(({ each }) => each[0])).toEqual(Array(4).fill(expect.closeTo(1, 8)));
  expect(scores[3].each[2]).toBeLessThan(1e-5);
});

test("ROUGE-L: the best precision and the best recall, recall weighing more", () => {
  const { score, each } = rougeL(CAPTIONS);
  const partly = ((1 + 1.44) * 1 * 0.6) / (0.6 + 1.44);
  expect(each).toEqual([1, expect.closeTo(partly, 12), 0]);
  expect(score).toBeCloseTo((1 + partly) / 3, 12);
});

test("CIDEr-D: 10 for a caption equal to its only reference, 0 for one that shares nothing", () => {
  const { score, each } = ciderD([
    { caption: "a red bird sings", references: ["a red bird sings"] },
    { caption: "an old car", references: ["waves at the beach"] },
  ]);
  expect(each).toEqual([expect.closeTo(10, 12), 0]);
  expect(score).toBeCloseTo(5, 12);
});

test("what cannot be measured is named", () => {
  const alone = [{ caption: "a red bird", references: [] }];
  for (const measure of [bleu, ciderD, rougeL]) {
    expect(() => measure([])).toThrow("captions cannot be measured: there are none.");
    expect(() => measure(alone)).toThrow('caption 0 ("a red bird") has no reference.');
  }
});
