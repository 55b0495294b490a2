import { expect, test } from "vitest";
import { migrateConfig } from "./migrate.ts";

test("keys that have moved are found in their old places", () => {
  const stored = {
    name: "old",
    model: { name: "flexivit", seqhw: 15 },
    objective: { name: "classification", flexi: { seqhw: [8, 15] } },
    evals: { small: { split: "test", seqhw: 8 }, test: { split: "test" } },
  };
  expect(migrateConfig(stored)).toEqual({
    name: "old",
    model: { name: "flexivit", seqhw: 15, flexi: { seqhw: [8, 15] } },
    objective: { name: "classification" },
    evals: { small: { split: "test", model: { seqhw: 8 } }, test: { split: "test" } },
  });
});

test("a configuration of today, and what is none, stay as they are", () => {
  const today = { name: "new", model: { name: "vit" }, objective: { name: "classification" } };
  expect(migrateConfig(today)).toEqual(today);
  expect(migrateConfig([1])).toEqual([1]);
});
