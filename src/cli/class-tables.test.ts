import { expect, test } from "vitest";
import { textWidth } from "../columns.ts";
import { perClass } from "../evaluate/classification/confusion.ts";
import { matrixOf } from "../evaluate/matrix.ts";
import { fromNumbers } from "../graph/index.ts";
import { classTable, confusionTable } from "./class-tables.ts";

const qualityOf = (confusion: readonly (readonly number[])[]) =>
  perClass(
    matrixOf(fromNumbers(confusion.flat(), [confusion.length, confusion.length], "float32")),
  );

test("a small confusion is a whole table, aligned whatever the script", () => {
  const confusion = [
    [16, 3, 1],
    [0, 9, 0],
    [2, 0, 110],
  ];
  expect(confusionTable(["猫", "dog", "a\x1b[2Jb"], confusion, 80)).toEqual([
    "",
    "confusion: a row for what an image is, a column for what it was taken for",
    "             猫  dog  a\\x1b[2Jb",
    "  猫         16    3          1",
    "  dog         ·    9          ·",
    "  a\\x1b[2Jb   2    ·        110",
  ]);
});

test.each([40, 60, 100])(
  "many classes are the pairs that are confused most, in %i cells",
  (columns) => {
    const names = Array.from(
      { length: 30 },
      (_, k) => `${"とても長い名前のクラス".repeat(3)} ${k}`,
    );
    const confusion = names.map((_, k) =>
      names.map((_, j) => (k === j ? 20 : j === k + 1 ? k : 0)),
    );
    const lines = confusionTable(names, confusion, columns);
    expect(lines[1]).toBe("confusion: the classes that were taken for others most often");
    expect(lines.at(-1)).toBe("  … and 18 more pairs");
    const table = lines.slice(2, -1);
    expect(table).toHaveLength(11);
    expect(Math.max(...table.map(textWidth))).toBeLessThanOrEqual(columns);
    expect(new Set(table.map(textWidth)).size).toBe(1);
    expect(table[1]).toMatch(/28 of 48 {2}58\.33 %$/);
  },
);

test("classes stand with the worst first, and those without an image are left out", () => {
  const quality = qualityOf([
    [5, 5, 0, 0],
    [0, 8, 0, 0],
    [0, 0, 0, 0],
    [0, 2, 0, 0],
  ]);
  const [, head, ...lines] = classTable(["ant", "bee", "none", "cat"], quality, 80);
  expect(head).toBe("each class, worst first:");
  expect(lines.slice(0, 4)).toEqual([
    "  class    recall    precision  images",
    "  cat      0.00 %  never taken       2",
    "  ant     50.00 %     100.00 %      10",
    "  bee    100.00 %      53.33 %       8",
  ]);
  const narrow = classTable(["とても長い名前のクラス", "b", "", "c"], quality, 46).slice(2, 6);
  expect(new Set(narrow.map(textWidth)).size).toBe(1);
  expect(textWidth(narrow[0])).toBeLessThanOrEqual(46);
  expect(classTable(["none"], qualityOf([[0]]), 80)).toEqual([]);
});
