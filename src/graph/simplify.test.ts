import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromNumbers } from "./dtype.ts";
import * as g from "./index.ts";
import { interpretProgram } from "./interpret.ts";
import { decode } from "./values.ts";

const MATRIX: g.Spec = { shape: [2, 2], dtype: "float32" };
const simplified = (
  fn: (...xs: g.Tensor[]) => g.Tensor | readonly g.Tensor[],
  ...specs: g.Spec[]
) => g.simplify(g.trace(fn, ...specs).program);
const names = (program: g.Program): string[] =>
  program.equations.map(({ primitive }) => primitive.name);

type Step = (xs: readonly g.Tensor[], pick: (n: number) => g.Tensor) => g.Tensor;

/** Steps of random programs over [2, 2] tensors; some are no-ops, some repeat, some dead-end. */
const STEPS: readonly Step[] = [
  (_, p) => g.add(p(0), p(1)),
  (_, p) => g.sub(p(0), p(1)),
  (_, p) => g.mul(p(0), p(1)),
  (_, p) => g.add(p(0), 0),
  (_, p) => g.mul(g.onesLike(p(0)), p(0)),
  (_, p) => g.div(p(0), 1),
  (_, p) => g.neg(g.neg(p(0))),
  (_, p) => g.sin(p(0)),
  (_, p) => g.transpose(g.transpose(p(0))),
  (_, p) => g.reshape(g.reshape(p(0), [4]), [2, 2]),
  (_, p) => g.matmul(p(0), p(1)),
  (_, p) => g.barrier([p(0), p(1)])[0],
  (_, p) => g.stopGradient(p(0)),
  (_, p) => g.softmax(p(0)),
  (_, p) =>
    g.add(
      p(0),
      g.mul(
        g.tensor([
          [1, 2],
          [3, 4],
        ]),
        g.scalar(3),
      ),
    ),
  (_, p) => g.remat((a, b) => [g.sin(g.mul(a, b)), g.exp(a)])(p(0), p(1))[0],
  (_, p) =>
    g.scan(([c], [x]) => ({ carry: [g.add(c, x)], ys: [g.sin(c)] }), [g.reduceSum(p(0), 0)], [p(1)])
      .ys[0],
  (_, p) => g.grad((x: g.Tensor) => g.reduceSum(g.mul(g.tanh(x), p(1))))(p(0)),
];

const anyProgram = fc.array(fc.tuple(fc.nat({ max: STEPS.length - 1 }), fc.nat(), fc.nat()), {
  minLength: 1,
  maxLength: 12,
});

describe("simplify", () => {
  it("keeps the meaning of random programs, and never grows them", () => {
    const values = [0, 1].map((k) =>
      decode(fromNumbers([0.5 + k, -1.25, 0.75, 2], [2, 2], "float32")),
    );
    fc.assert(
      fc.property(anyProgram, (steps) => {
        const { program } = g.trace(
          (a: g.Tensor, b: g.Tensor) => {
            const made = [a, b];
            for (const [step, i, j] of steps) {
              const pick = (n: number) => made[(n === 0 ? i : j) % made.length];
              made.push(STEPS[step](made, pick));
            }
            return [made.at(-1)!, made[made.length >> 1]];
          },
          MATRIX,
          MATRIX,
        );
        const smaller = g.simplify(program);
        expect(smaller.equations.length).toBeLessThanOrEqual(program.equations.length);
        expect(smaller.inputs).toEqual(program.inputs);
        const [before, after] = [program, smaller].map((p) => interpretProgram(p, values));
        expect(after.map(({ data }) => Array.from(data, (x) => x + 0))).toEqual(
          before.map(({ data }) => Array.from(data, (x) => x + 0)),
        );
      }),
    );
  });

  it("removes dead code, no-ops and arithmetic with 0 and 1", () => {
    const program = simplified((x) => {
      g.exp(x);
      return g.sub(g.mul(g.add(g.reshape(x, [2, 2]), 0), 1), g.zerosLike(x));
    }, MATRIX);
    expect(program.equations).toEqual([]);
    expect(program.outputs).toEqual(program.inputs);
  });

  it("keeps x · 0, which is NaN for infinite x", () => {
    expect(names(simplified((x) => g.mul(x, 0), MATRIX))).toContain("mul");
  });

  it("merges equal equations", () => {
    const program = simplified((x) => g.add(g.sin(x), g.sin(x)), MATRIX);
    expect(names(program)).toEqual(["sin", "add"]);
  });

  it("tells attributes apart: dtypes, axes, signed zeros, functions", () => {
    const program = simplified(
      (x) => [
        g.convert(x, "float16"),
        g.convert(x, "bfloat16"),
        g.reduceSum(x, 0),
        g.reduceSum(x, 1),
        g.div(x, 0),
        g.div(x, -0),
        g.div(x, g.constant(fromNumbers([0], [1, 1], "float32"))),
      ],
      MATRIX,
    );
    expect(names(program).filter((name) => name === "div")).toHaveLength(3);
    expect(new Set(program.outputs).size).toBe(7);
  });

  it("never merges across a barrier, nor two barriers", () => {
    const program = simplified((x) => {
      const [apart] = g.barrier([x]);
      const [again] = g.barrier([x]);
      return g.add(g.add(g.sin(x), g.sin(apart)), g.sin(again));
    }, MATRIX);
    expect(names(program).filter((name) => name === "sin")).toHaveLength(3);
    expect(names(program).filter((name) => name === "barrier")).toHaveLength(2);
  });

  it("leaves the recomputation of remat alone", () => {
    const loss = (x: g.Tensor) => g.reduceSum(g.remat((a) => [g.exp(g.sin(a))])(x)[0]);
    const program = simplified((x) => [loss(x), g.grad(loss)(x)], MATRIX);
    // the forward pass stays in its region; the backward pass computes sin and exp again behind a barrier
    expect(names(program)).toEqual(
      expect.arrayContaining(["remat", "barrier", "sin", "exp", "cos"]),
    );
  });

  it("drops residuals that no gradient reads any more", () => {
    const program = simplified((x) => {
      const { carry } = g.scan(
        ([c], [row]) => ({ carry: [g.sin(g.add(c, row))] }),
        [g.zeros([2])],
        [x],
      );
      g.grad((y: g.Tensor) =>
        g.reduceSum(
          g.scan(([c], [row]) => ({ carry: [g.mul(c, row)] }), [g.ones([2])], [y]).carry[0],
        ),
      )(x);
      return carry;
    }, MATRIX);
    const scan = program.equations.find(({ primitive }) => primitive.name === "scan")!;
    expect(scan.outputs).toHaveLength(1);
  });

  it("drops the stacked outputs of a scan that nobody reads", () => {
    const run = (x: g.Tensor) =>
      g.scan(
        ([c], [row]) => ({ carry: [g.add(c, row)], ys: [g.exp(c), g.sin(c)] }),
        [g.zeros([2])],
        [x],
      );
    const program = simplified((x) => run(x).ys[1], MATRIX);
    const { attrs, outputs } = program.equations.at(-1)!;
    expect(outputs).toHaveLength(2);
    const body = (attrs as { program: g.Program }).program;
    expect(names(body)).toEqual(["add", "sin"]);
  });

  it("simplifies inside regions", () => {
    const program = simplified(
      (x) => g.remat((a) => [g.add(g.sin(g.add(a, 0)), g.sin(a))])(x),
      MATRIX,
    );
    const body = (program.equations[0].attrs as { program: g.Program }).program;
    expect(names(body)).toEqual(["sin", "add"]);
  });

  /** What rewrites look for in the equation of an operand, made outside and read inside of a region. */
  const OUTSIDE: Readonly<Record<string, (x: g.Tensor) => g.Tensor>> = {
    neg: g.neg,
    transpose: (x) => g.transpose(x),
    reverse: (x) => g.reverse(x, [0]),
    one: (x) => g.onesLike(x),
    zero: (x) => g.zerosLike(x),
  };
  /** What reads it there; each would be a no-op, or a constant, if the equation were in the same program. */
  const inside = (x: g.Tensor, outer: g.Tensor): g.Tensor =>
    [
      g.neg(outer),
      g.transpose(outer),
      g.reverse(outer, [0]),
      g.mul(x, outer),
      g.add(x, outer),
      g.div(x, outer),
    ].reduce((a, b) => g.add(a, b));
  const REGIONS: Readonly<Record<string, (x: g.Tensor, outer: g.Tensor) => g.Tensor>> = {
    scan: (x, outer) =>
      g.scan(([c]) => ({ carry: [inside(c, outer)] }), [x], [], { length: 2 }).carry[0],
    cond: (x, outer) =>
      g.cond(
        g.less(g.reduceSum(x), 100),
        (a) => [inside(a, outer)],
        (a) => [a],
        x,
      )[0],
    whileLoop: (x, outer) =>
      g.whileLoop(
        (n) => g.logicalAnd(g.less(n, 2), g.less(g.reduceSum(g.neg(outer)), 100)),
        (n, c) => [g.add(n, 1), inside(c, outer)],
        [g.scalar(0), x],
      )[1],
    remat: (x, outer) => g.remat((a) => [inside(a, outer)])(x)[0],
    nested: (x, outer) =>
      g.scan(
        ([c]) => ({
          carry: g
            .remat((a) => [inside(a, g.neg(outer)), outer])(c)
            .slice(0, 1),
        }),
        [x],
        [],
        { length: 2 },
      ).carry[0],
  };

  it.each(
    Object.keys(REGIONS).flatMap((region) =>
      Object.keys(OUTSIDE).map((outside) => ({ region, outside })),
    ),
  )("sees nothing of a captured $outside inside a $region", ({ region, outside }) => {
    const { program } = g.trace(
      (x: g.Tensor) => REGIONS[region](x, OUTSIDE[outside](g.add(x, 0.5))),
      MATRIX,
    );
    const value = decode(fromNumbers([0.5, -1.25, 0.75, 2], [2, 2], "float32"));
    const [before, after] = [program, g.simplify(program)].map((p) => interpretProgram(p, [value]));
    expect(after).toEqual(before);
  });

  it("leaves no equation behind an input of a program, at any depth", () => {
    const check = (program: g.Program): void => {
      for (const input of program.inputs) expect(input.equation).toBeUndefined();
      for (const { attrs } of program.equations) {
        for (const value of Object.values(attrs as object)) {
          if (typeof value === "object" && value && "equations" in value) {
            check(value as g.Program);
          }
        }
      }
    };
    for (const region of Object.values(REGIONS)) {
      check(simplified((x) => region(x, g.neg(x)), MATRIX));
    }
  });

  it("folds small constants, but runs no loops", () => {
    const folded = simplified(() => g.sqrt(g.mul(g.scalar(8), g.scalar(2))));
    expect(names(folded)).toEqual(["constant"]);
    const looped = simplified(() =>
      g.whileLoop(
        (n) => g.less(n, 10),
        (n) => [g.add(n, 1)],
        [g.scalar(0)],
      ),
    );
    expect(names(looped)).toContain("whileLoop");
  });

  it("does nothing more the second time", () => {
    const { program } = g.trace(
      (x: g.Tensor) => g.grad((a: g.Tensor) => g.reduceSum(g.softmax(g.matmul(a, a))))(x),
      MATRIX,
    );
    const once = g.simplify(program);
    expect(g.printProgram(g.simplify(once))).toBe(g.printProgram(once));
  });
});
