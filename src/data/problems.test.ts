import { expect, test } from "vitest";
import { DataProblems, isProblems } from "./problems.ts";

test("more problems than are listed stay counted when a run goes on, each once", () => {
  const problems = new DataProblems();
  for (let i = 0; i < 1500; i++) problems.add({ id: `${i}.png`, reason: "no picture" });
  const kept: unknown = JSON.parse(JSON.stringify(problems));
  expect(isProblems(kept)).toBe(true);
  const told: string[] = [];
  const again = new DataProblems(({ id }) => told.push(id));
  if (isProblems(kept)) again.restore(kept);
  expect(again.toJSON()).toEqual(problems.toJSON());
  for (const id of ["3.png", "1499.png", "1500.png"]) again.add({ id, reason: "no picture" });
  expect(again.count).toBe(1501);
  expect(told).toEqual(["1500.png"]);
  expect(again.toJSON().examples).toHaveLength(1000);
  expect(isProblems({ count: 3 })).toBe(false);
  expect(isProblems(undefined)).toBe(false);
});
