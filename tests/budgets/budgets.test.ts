/**
 * @file What the type check, the start of the command line and each public entry may cost. The numbers are those that
 * `node scripts/budgets.ts` wrote.
 */

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  type Budgets,
  ENTRIES,
  checkTypes,
  entryBytes,
  startProgram,
} from "../../scripts/budgets.ts";

const committed = JSON.parse(readFileSync("tests/budgets/budgets.json", "utf8")) as Budgets;

/** What is the same on every machine may grow by a tenth. */
const SLACK = 1.1;
/** Ratios of times differ between machines, and while others use the processor. */
const SLACK_OF_TIME = 3;

/** The most, in whole numbers. */
const most = (count: number): number => Math.ceil(count * SLACK);

describe("bytes of a public entry", () => {
  test("each has its number", () => {
    expect(Object.keys(committed.bytes)).toEqual(Object.keys(ENTRIES));
  });

  test.for(Object.entries(committed.bytes))("%s: %i", async ([entry, bytes]) => {
    expect(await entryBytes(entry)).toBeLessThanOrEqual(most(bytes));
  });
});

test("the start of the command line", () => {
  const { startModules, startTime } = startProgram();
  expect(startModules).toBeLessThanOrEqual(most(committed.startModules));
  expect(startTime).toBeLessThanOrEqual(committed.startTime * SLACK_OF_TIME);
});

test("the type check", { timeout: 300_000 }, () => {
  const { instantiations, checkTime } = checkTypes();
  expect(instantiations).toBeLessThanOrEqual(most(committed.instantiations));
  expect(checkTime).toBeLessThanOrEqual(committed.checkTime * SLACK_OF_TIME);
});
