import { describe, expect, it } from "vitest";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";
import {
  COMPOSITES,
  type Program,
  fromNumbers,
  primitives,
  sizeOf,
} from "../../src/graph/index.ts";
import { linalgPrimitives } from "../../src/graph/ops/linalg/index.ts";
import { judge, reduce, runSeeds } from "./campaign.ts";
import { type Contender, type ContenderName, openContender } from "./contenders.ts";
import { drawPlan } from "./generate.ts";
import { operations } from "./operations/index.ts";
import { type Plan, type Step, buildPlan, countSteps, showPlan } from "./plan.ts";

const long = process.env.OCELLI_LONG === "1";
const hasXla = installedPlugins().includes("xla-cpu");

/** Programs in CI, and in the long run, which `npm run programs` does beyond these. */
const COUNTS: readonly [ContenderName, short: number, long: number][] = [
  ["interpreter", 300, 1000],
  ["ort", 250, 20_000],
  ["xla-cpu", 25, 5000],
  ["xla-cpu-two", 8, 500],
];

/** The share of elements that must not be open, lest the suite holds nothing. */
const HELD = 0.95;

describe("random programs give the interpreter's numbers", () => {
  it.for(COUNTS)(
    "on %s",
    { timeout: long ? 7_200_000 : 120_000 },
    async ([name, few, many], { skip }) => {
      skip(name.startsWith("xla") && !hasXla, "xla-cpu is not installed");
      const contender = await openContender(name);
      try {
        const tally = await runSeeds(contender, 0, long ? many : few, async (failure) => {
          const { seed, plan, problem } = await reduce(contender, failure);
          expect.fail(`seed ${seed}:\n${showPlan(plan)}\n${problem}`);
        });
        expect(tally.open / tally.elements).toBeLessThan(1 - HELD);
      } finally {
        await contender.dispose();
      }
    },
  );
});

/** The primitives and composites of a program, those inside regions included. */
function namesIn(program: Program): string[] {
  return program.equations.flatMap(({ primitive, attrs }) => {
    const entries = Object.entries(attrs as object);
    const inner = entries.filter(
      ([, value]) => typeof value === "object" && value && "equations" in value,
    );
    const own = (attrs as { name?: string }).name ?? primitive.name;
    return [own, primitive.name, ...inner.flatMap(([, value]) => namesIn(value as Program))];
  });
}

describe("the generator", () => {
  /** Factorisations move ∞ and NaN by blocks, and lose digits as their matrices are conditioned: contract rows hold them. */
  const HELD_BY_ROWS = Object.keys(linalgPrimitives);
  const names = [...Object.keys(primitives), ...COMPOSITES].filter(
    (name) => !HELD_BY_ROWS.includes(name),
  );
  const plans = Array.from({ length: 2500 }, (_, seed) => drawPlan(seed));

  it.for(names)("has an operation for %s (tests/random-programs/operations)", (name) => {
    const makers = Object.keys(operations).filter((op) =>
      operations[op].of.some((other) => other === name),
    );
    expect(makers).not.toEqual([]);
  });

  it("draws programs with every primitive and composite", () => {
    const seen = new Set(plans.flatMap((plan) => namesIn(buildPlan(operations, plan))));
    expect(names.filter((name) => !seen.has(name))).toEqual([]);
  });

  it("nests every transform in every other one", () => {
    const nested = new Set<string>();
    const visit = (steps: readonly Step[], outer: readonly string[]): void => {
      for (const { op, blocks } of steps) {
        if (blocks.length > 0) for (const around of outer) nested.add(`${op} in ${around}`);
        for (const block of blocks) visit(block.steps, [...outer, op]);
      }
    };
    for (const plan of plans) visit(plan.steps, []);
    const regions = ["grad", "vmap", "remat", "scan", "cond", "customGradient"];
    const pairs = regions.flatMap((a) => regions.map((b) => `${a} in ${b}`));
    expect(pairs.filter((pair) => !nested.has(pair))).toEqual([]);
  });

  it("draws the same plan for the same seed", () => {
    expect(drawPlan(7)).toEqual(drawPlan(7));
    expect(showPlan(drawPlan(7))).not.toEqual(showPlan(drawPlan(8)));
  });
});

describe("a program that goes wrong", () => {
  /** The interpreter, but that what a cosine is in is off by a little. */
  const wrong: Contender = {
    name: "wrong cosines",
    async run(plan, program, inputs) {
      const interpreter = await openContender("interpreter");
      const outputs = await interpreter.run(plan, program, inputs);
      if (!namesIn(program).includes("cos")) return outputs;
      return outputs.map(({ shape, dtype }) =>
        fromNumbers(new Array<number>(sizeOf(shape)).fill(3), shape, dtype),
      );
    },
    dispose: () => Promise.resolve(),
  };

  it("is found, and cut down to the step at fault", { timeout: 120_000 }, async () => {
    const found: { seed: number; plan: Plan; problem: string }[] = [];
    await runSeeds(wrong, 0, 400, (failure) => void found.push(failure));
    expect(found.length).toBeGreaterThan(1);
    const largest = found.reduce((a, b) =>
      countSteps(b.plan.steps) > countSteps(a.plan.steps) ? b : a,
    );
    expect(countSteps(largest.plan.steps)).toBeGreaterThan(4);
    const { plan, problem } = await reduce(wrong, largest);
    expect(countSteps(plan.steps)).toBeLessThan(3); // a cosine, or the gradient of a sine
    expect(namesIn(buildPlan(operations, plan))).toContain("cos");
    expect(problem).toContain("not");
    expect((await judge(wrong, plan)).problem).toBe(problem);
  });
});
