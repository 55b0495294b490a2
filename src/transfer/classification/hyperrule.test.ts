import { expect, test } from "vitest";
import { makeSchedule } from "../../optim/index.ts";
import { evaluate } from "../../engines/engine.ts";
import { createInterpreter } from "../../engines/interpreter/index.ts";
import { tensor, toNumbers } from "../../graph/index.ts";
import { HYPER_RULE, describeHyperRule, hyperRule, hyperRuleSettings } from "./hyperrule.ts";

// arXiv:1912.11370, section 3.3
test.each([
  ["Oxford Flowers", 1020, 500, 667, 500, 0],
  ["Oxford-IIIT Pets", 3680, 500, 334, 500, 0],
  ["the largest small one", 19_999, 500, 334, 500, 0],
  ["the smallest medium one", 20_000, 500, 334, 10_000, 0.1],
  ["CIFAR-10", 50_000, 32, 32, 10_000, 0.1],
  ["the largest medium one", 499_999, 500, 334, 10_000, 0.1],
  ["the smallest large one", 500_000, 500, 334, 20_000, 0.1],
  ["ImageNet", 1_281_167, 500, 375, 20_000, 0.1],
])("the schedule of %s", (_, examples, height, width, steps, mixup) => {
  const rule = hyperRule({ examples, height, width });
  expect(rule).toMatchObject({ steps, mixup });
  expect(rule.decayAt).toEqual([0.3 * steps, 0.6 * steps, 0.9 * steps]);
});

test.each([
  [32, 32, 160, 128],
  [95, 97, 160, 128],
  [96, 96, 448, 384],
  [20, 460, 160, 128],
  [500, 375, 448, 384],
])("images of %i × %i", (height, width, resize, crop) => {
  expect(hyperRule({ examples: 1000, height, width })).toMatchObject({ resize, crop });
});

test("what is the same for all", () => {
  expect(HYPER_RULE).toEqual({ batchSize: 512, lr: 0.003, momentum: 0.9 });
});

test("the settings of a training, and the rate's fall", async () => {
  const rule = hyperRule({ examples: 1000, height: 32, width: 32 });
  const settings = hyperRuleSettings(rule, 16);
  expect(settings).toMatchObject({ batchSize: 512, accumulate: 16, duration: { steps: 500 } });
  expect(settings.objective).toEqual({ name: "classification" });
  const schedule = makeSchedule(settings.optimizer.schedule, { totalSteps: 500, batchSize: 512 });
  const steps = tensor([0, 149, 150, 299, 300, 449, 450, 499]);
  const rates = toNumbers(await evaluate(createInterpreter(), schedule(steps)));
  const want = [1, 1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001];
  rates.forEach((rate, i) => expect(rate).toBeCloseTo(want[i], 6));
  const medium = hyperRule({ examples: 50_000, height: 32, width: 32 });
  expect(hyperRuleSettings(medium, 1).objective).toMatchObject({ mixup: { p: 0.1 } });
});

test("a part of the rule keeps its shape, and says that it is a part", () => {
  const task = { examples: 1000, height: 32, width: 32 };
  expect(hyperRule(task, 0.1)).toMatchObject({ steps: 50, decayAt: [15, 30, 45], crop: 128 });
  expect(hyperRule(task, 1e-6).steps).toBe(1);
  expect(describeHyperRule(task, 0.1)).toMatch(/50 of its 500 steps/);
  expect(describeHyperRule(task)).toMatch(/^500 steps of 512 images/);
});
