import { expect, test } from "vitest";
import { type RowLayout, layRow, lowerAscii, unlayRow } from "./layout.ts";

const EOS = 1;
const rules = (eos: "none" | "yes" | "sticky", padId = 0, length = 3): RowLayout => ({
  length,
  padId,
  bosId: undefined,
  eosId: eos === "none" ? undefined : EOS,
  isSticky: eos === "sticky",
});

test.each([
  ["none", [2], [2, 0, 0]],
  ["none", [2, 2, 2, 2], [2, 2, 2]],
  ["yes", [2, 2], [2, 2, 1]],
  ["yes", [2, 2, 2], [2, 2, 2]],
  ["sticky", [2, 2], [2, 2, 1]],
  ["sticky", [2, 2, 2], [2, 2, 1]],
  ["sticky", [2, 2, 2, 2, 2], [2, 2, 1]],
  ["sticky", [], [1, 0, 0]],
] as const)("EOS %s: %j becomes %j", (eos, ids, row) => {
  expect([...layRow(ids, rules(eos))]).toEqual(row);
});

test("padded with EOS, the last position is always EOS", () => {
  const layout = rules("sticky", EOS);
  expect([[2], [2, 2, 2, 2]].map((ids) => [...layRow(ids, layout)])).toEqual([
    [2, 1, 1],
    [2, 2, 1],
  ]);
});

test("BOS counts among the length", () => {
  const layout = { ...rules("sticky"), bosId: 5 };
  expect([...layRow([2, 2, 2], layout)]).toEqual([5, 2, 1]);
});

test("a row's text comes back, and ids that are no row are left", () => {
  for (const padId of [0, EOS]) {
    const layout = { ...rules("sticky", padId, 8), bosId: 5 };
    expect(unlayRow([...layRow([2, 0, 3, 0], layout)], layout)).toEqual([2, 0, 3, 0]);
  }
  expect(unlayRow([2, 0, 0], rules("sticky"))).toEqual([2, 0, 0]);
  expect(unlayRow([2, 0, 0], rules("none"))).toEqual([2]);
});

test("TensorFlow's lower-casing knows A to Z only", () => {
  expect(lowerAscii("ÀÉ Ab ΑΒ İI")).toBe("ÀÉ ab ΑΒ İi");
});
