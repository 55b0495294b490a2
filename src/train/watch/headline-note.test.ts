import { expect, test } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { headlineNote } from "./headline-note.ts";

const planOf = (...types: string[]): Plan =>
  ({
    card: { task: { name: "segmentation" } },
    source: { fields: { image: "image", map: "map" } },
    headline: { metric: "miou", better: "higher" },
    evaluations: types.map((type) => ({ type })),
  }) as unknown as Plan;

const of = (metric: string) => ({ metric, value: 1, better: "higher" }) as const;

test("a task whose evaluator does not give its value is noticed", () => {
  const line =
    "the task segmentation is judged by miou, which its evaluator segmentation does not give";
  expect(headlineNote(planOf("segmentation"), of("test/loss"))).toBe(line);
  expect(headlineNote(planOf("segmentation"), undefined)).toBe(line);
  expect(headlineNote(planOf("segmentation"), of("test/miou"))).toBeUndefined();
  expect(headlineNote(planOf("objective"), of("test/loss"))).toBeUndefined(); // none of the task's own
});
