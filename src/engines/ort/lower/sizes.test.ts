import { expect, test } from "vitest";
import { Sizes } from "./sizes.ts";

const OPEN = 61;

test("without an open extent sizes are numbers", () => {
  const sizes = new Sizes();
  expect(sizes.isOpen(61)).toBe(false);
  expect([sizes.exceeds(3, 2), sizes.exceeds(2, 2), sizes.exceeds(2, 3)]).toEqual([
    true,
    false,
    false,
  ]);
  expect(sizes.exceeds([1, 2], 2)).toBe(true);
});

test("an open extent exceeds every fixed number, and its own powers by theirs", () => {
  const sizes = new Sizes(OPEN);
  expect([OPEN, 3 * OPEN, OPEN ** 2, 60, 0].map((size) => sizes.isOpen(size))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(sizes.exceeds(OPEN, 1e9)).toBe(true);
  expect(sizes.exceeds(1e9, OPEN)).toBe(false);
  expect(sizes.exceeds(2 * OPEN, OPEN)).toBe(true);
  expect(sizes.exceeds(OPEN ** 2, 1e6 * OPEN)).toBe(true);
});

test("sums are compared by their highest power, then by the next", () => {
  const sizes = new Sizes(OPEN);
  expect(sizes.exceeds([OPEN, 5], [OPEN, 4])).toBe(true);
  expect(sizes.exceeds([OPEN, 4], [OPEN, 4])).toBe(false);
  expect(sizes.exceeds([2 * OPEN, 4], [OPEN, 1e6])).toBe(true);
  expect(sizes.exceeds([OPEN, 1e6], [OPEN, OPEN])).toBe(false);
});
