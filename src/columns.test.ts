import { expect, test } from "vitest";
import { cutText, padText, progressBar, sparkline, textTable, textWidth } from "./columns.ts";

test.each([
  ["cat", 3],
  ["猫", 2],
  ["ねこ", 4],
  ["고양이", 6],
  ["gätö", 4],
  ["ga\u0308to\u0308", 4],
  ["\u200b\u0301", 0],
  ["🐈", 2],
  ["👩‍👩‍👧", 2],
  ["❤", 1],
  ["❤️", 2],
  ["ＡＢ", 4],
  ["▇▆▁ ━─", 6],
  ["", 0],
])("%s takes %i cells", (text, cells) => {
  expect(textWidth(text)).toBe(cells);
  expect(textWidth(padText(text, 9))).toBe(9);
  expect(textWidth(padText(text, 9, true))).toBe(9);
});

test("what is cut never takes more than its cells, and splits no character", () => {
  expect(cutText("猫と犬", 6)).toBe("猫と犬");
  expect(cutText("猫と犬", 5)).toBe("猫と…");
  expect(cutText("猫と犬", 4)).toBe("猫…");
  expect(cutText("a👩‍👩‍👧b", 3)).toBe("a…");
  expect(cutText("abc", 1)).toBe("…");
  expect(cutText("abc", 0)).toBe("");
});

test("a table's columns stand under one another whatever the script", () => {
  expect(
    textTable(
      [
        ["name", "images"],
        ["猫", "12"],
        ["dog", "3"],
      ],
      [1],
    ),
  ).toEqual(["name  images", "猫        12", "dog        3"]);
});

test("a sparkline spans from the least to the greatest, and what is not finite is a gap", () => {
  expect(sparkline([8, 4, NaN, 1, 1])).toBe("█▄ ▁▁");
  expect(sparkline([3, 3])).toBe("▁▁");
  expect(sparkline([NaN])).toBe(" ");
  expect(sparkline([])).toBe("");
});

test("a bar is full at its end alone", () => {
  expect(progressBar(0, 4)).toBe("────");
  expect(progressBar(0.99, 4)).toBe("━━━─");
  expect(progressBar(1, 4)).toBe("━━━━");
  expect(progressBar(2, 4)).toBe("━━━━");
});
