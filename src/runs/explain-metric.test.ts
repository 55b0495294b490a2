import { expect, test } from "vitest";
import { explainMetric } from "./explain-metric.ts";

test.each([
  ["accuracy", /most probable one/],
  ["test/pixel_accuracy", /pixels/],
  ["mean_class_accuracy", /pixels/],
  ["mean_class_recall", /images/],
  ["near/knn20", /neighbours/],
  ["5shot-seed-0", /linear classifier/],
  ["image_recall@10", /partner/],
])("%s is explained", (name, words) => {
  expect(explainMetric(name)).toMatch(words);
});

test("a value of a name that is not known has no explanation", () => {
  expect(explainMetric("my_accuracy_of_sorts")).toBeUndefined();
});
