import { expect, it } from "vitest";
import { concatenate } from "./ops/slice.ts";
import { zeros } from "./ops/constant.ts";

it("an equation keeps its operands when the list that it was given grows", () => {
  const rows = [zeros([2]), zeros([3])];
  const joined = concatenate(rows);
  rows.push(zeros([4]));
  expect(joined.equation?.inputs.map(({ shape }) => shape)).toEqual([[2], [3]]);
});
