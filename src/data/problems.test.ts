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

test("transparent pictures and those of one colour are kept, and counted once when a run goes on", () => {
  const kind = { height: 2, width: 2, channels: 4 };
  const problems = new DataProblems();
  expect(problems.isWorthKeeping).toBe(false);
  expect(problems.toJSON()).toEqual({ count: 0, examples: [] });
  problems.notice("a.png", { ...kind, transparent: true, plain: true });
  problems.notice("b.png", { ...kind, transparent: true, plain: false });
  expect(problems.isWorthKeeping).toBe(true);
  const kept: unknown = JSON.parse(JSON.stringify(problems));
  expect(kept).toMatchObject({
    pictures: {
      transparent: { count: 2, ids: ["a.png", "b.png"] },
      plain: { count: 1, ids: ["a.png"] },
    },
  });
  const again = new DataProblems();
  if (isProblems(kept)) again.restore(kept);
  again.notice("b.png", { ...kind, transparent: true, plain: false }); // of the next epoch
  again.notice("c.png", { ...kind, transparent: true, plain: false });
  expect(again.pictures).toEqual({ transparent: 3, plain: 1 });
  expect(isProblems({ count: 0, examples: [], pictures: { plain: 3 } })).toBe(false);
});

test("of more pictures than are listed, the count before a stop is the least", () => {
  const problems = new DataProblems();
  for (let i = 0; i < 1500; i++) {
    problems.notice(`${i}.png`, {
      height: 1,
      width: 1,
      channels: 4,
      transparent: true,
      plain: false,
    });
  }
  const again = new DataProblems();
  again.restore(problems.toJSON());
  expect(again.pictures.transparent).toBe(1500);
});

test("what features in the cache were found to be is taken in with its ids, each once", () => {
  const kind = { height: 1, width: 1, channels: 4, transparent: true, plain: false };
  const cached = new DataProblems();
  for (let i = 0; i < 1200; i++) cached.notice(`${i}.png`, kind);
  cached.add({ id: "x.png", reason: "no picture" });
  const told: string[] = [];
  const problems = new DataProblems(({ id }) => told.push(id));
  problems.notice("7.png", kind);
  problems.include(cached.toJSON());
  const { examples, pictures } = problems.toJSON();
  expect(examples).toEqual([{ id: "x.png", reason: "no picture" }]);
  expect(told).toEqual(["x.png"]);
  expect(pictures).toMatchObject({ transparent: { count: 1200 }, plain: { count: 0, ids: [] } });
  expect(pictures!.transparent.ids.slice(0, 3)).toEqual(["7.png", "0.png", "1.png"]);
});
