import { describe, expect, it } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { evaluate } from "../engines/engine.ts";
import { toNumbers } from "./dtype.ts";
import * as g from "./index.ts";

const engine = createInterpreter();
const numbers = async (x: g.Tensor): Promise<number[]> => toNumbers(await evaluate(engine, x));
const sum = (x: g.Tensor): g.Tensor => g.reduceSum(x);

describe("valueAndGrad", () => {
  it("returns the value, the auxiliary tree and the gradient of a tree", async () => {
    const { value, aux, grads } = g.valueAndGrad((p: { w: g.Tensor; b: g.Tensor }, x: g.Tensor) => {
      const y = g.add(g.mul(p.w, x), p.b);
      return [sum(g.square(y)), { y }] as const;
    })({ w: g.tensor([1, 2]), b: g.tensor([0, 1]) }, g.tensor([3, 4]));
    expect(await numbers(value)).toEqual([90]);
    expect(await numbers(aux.y)).toEqual([3, 9]);
    expect(await numbers(grads.w)).toEqual([18, 72]);
    expect(await numbers(grads.b)).toEqual([6, 18]);
  });

  it("keeps repeated leaves apart", async () => {
    const x = g.tensor([2]);
    const [a, b] = g.grad(([u, v]: g.Tensor[]) => sum(g.mul(g.square(u), v)))([x, x]);
    expect(await numbers(a)).toEqual([8]);
    expect(await numbers(b)).toEqual([4]);
  });

  it("gives zeros where nothing flows: unused, stopped, integer", async () => {
    const grads = g.grad((p: Record<string, g.Tensor>) =>
      sum(g.add(g.mul(p.used, 3), g.stopGradient(g.exp(p.stopped)))),
    )({
      used: g.tensor([1]),
      unused: g.tensor([1, 2]),
      stopped: g.tensor([1]),
      whole: g.tensor([4], "int32"),
    });
    expect(await numbers(grads.used)).toEqual([3]);
    expect(await numbers(grads.unused)).toEqual([0, 0]);
    expect(await numbers(grads.stopped)).toEqual([0]);
    expect(grads.whole.dtype).toBe("int32");
  });

  it("sees outer tensors as constants, and the outer gradient sees through them", async () => {
    const outer = g.grad((x: g.Tensor) => {
      const y = g.square(x);
      return sum(g.grad((z: g.Tensor) => sum(g.mul(g.mul(z, z), y)))(x)); // 2 x · x²
    })(g.tensor([3]));
    expect(await numbers(outer)).toEqual([54]);
  });

  it("goes to the third derivative", async () => {
    const nth = (n: number): ((x: g.Tensor) => g.Tensor) =>
      n === 0 ? (x) => sum(g.square(g.square(x))) : (x) => sum(g.grad(nth(n - 1))(x));
    expect(await numbers(nth(3)(g.tensor([2])))).toEqual([48]);
  });

  it("refuses what is no float scalar", () => {
    const x = g.tensor([1, 2]);
    expect(() => g.grad((a: g.Tensor) => a)(x)).toThrow(
      "grad(float32[2]): the function must return a float scalar",
    );
    expect(() => g.grad(() => g.scalar(1, "int32"))(x)).toThrow("grad(int32[]): the function must");
  });

  it("visits nothing that the loss does not depend on", () => {
    const { program } = g.trace(
      (x: g.Tensor, y: g.Tensor) => g.grad((a: g.Tensor) => sum(g.mul(a, g.sin(y))))(x),
      { shape: [2], dtype: "float32" },
      { shape: [2], dtype: "float32" },
    );
    expect(g.printProgram(program)).not.toContain("cos");
  });
});

describe("subgradients", () => {
  it("of |x| and of x⁰ at zero are zero", async () => {
    const zero = g.tensor([0]);
    expect(await numbers(g.grad((x: g.Tensor) => sum(g.abs(x)))(zero))).toEqual([0]);
    expect(await numbers(g.grad((x: g.Tensor) => sum(g.pow(x, 0)))(zero))).toEqual([0]);
    const second = g.grad((x: g.Tensor) => sum(g.grad((y: g.Tensor) => sum(g.pow(y, 0)))(x)));
    expect(await numbers(second(zero))).toEqual([0]);
  });
});

describe("vjp", () => {
  it("pulls back cotangents, several times, zeros included", async () => {
    const { outputs, pullback } = g.vjp(
      (x, y) => [g.mul(x, y), g.sin(x)],
      g.tensor([2]),
      g.tensor([5]),
    );
    expect(await numbers(outputs[0])).toEqual([10]);
    expect(await Promise.all(pullback([g.tensor([1]), null]).map(numbers))).toEqual([[5], [2]]);
    expect(await Promise.all(pullback([null, null]).map(numbers))).toEqual([[0], [0]]);
    expect(() => pullback([g.tensor([1, 2]), null])).toThrow(
      "must match these outputs, not float32[2], null",
    );
    expect(() => pullback([])).toThrow("not nothing");
  });
});

describe("whileLoop", () => {
  const doubled = (x: g.Tensor) =>
    g.whileLoop(
      (y) => g.less(sum(y), 100),
      (y) => [g.mul(y, 2)],
      [x],
    )[0];

  it("refuses a gradient, and says what to use", () => {
    expect(() => g.grad((x: g.Tensor) => sum(doubled(x)))(g.tensor([1]))).toThrow(
      expect.objectContaining({
        code: "not-differentiable",
        message: expect.stringMatching(
          /^whileLoop\(float32\[1\]\): .*use scan, whose length is fixed/,
        ) as string,
      }),
    );
  });

  it("is no obstacle where its result needs none", async () => {
    const d = g.grad((x: g.Tensor) => sum(g.mul(x, g.stopGradient(doubled(x)))))(g.tensor([60]));
    expect(await numbers(d)).toEqual([120]);
  });
});

describe("customGradient", () => {
  const rule = (grads: (d: g.Tensor) => (g.Tensor | null)[]) =>
    g.customGradient(
      (x, y) => ({ outputs: [g.mul(x, y)], residuals: [] }),
      (_residuals, [d]) => grads(d),
    );

  it("takes null for zero", async () => {
    const f = rule((d) => [g.mul(d, 7), null]);
    const [a, b] = g.grad(([x, y]: g.Tensor[]) => sum(f(x, y)[0]))([g.tensor([1]), g.tensor([2])]);
    expect([await numbers(a), await numbers(b)]).toEqual([[7], [0]]);
  });

  it("refuses cotangents of the wrong number or shape", () => {
    for (const grads of [(d: g.Tensor) => [d], (d: g.Tensor) => [sum(d), d]]) {
      const f = rule(grads);
      const run = () => g.grad((x: g.Tensor) => sum(f(x, x)[0]))(g.tensor([1, 2]));
      expect(run).toThrow("the rule must return their cotangents, not float32[");
    }
  });

  it("refuses a gradient of what its function takes from around it", () => {
    const run = (w: g.Tensor) =>
      g.customGradient(
        (x) => ({ outputs: [g.mul(x, w)], residuals: [] }),
        (_residuals, [d]) => [d],
      )(g.tensor([1]))[0];
    expect(() => g.grad((w: g.Tensor) => sum(run(w)))(g.tensor([2]))).toThrow(
      "pass it as an argument",
    );
  });

  it("has a second gradient: the rule's, and the residuals' as written", async () => {
    const cube = g.customGradient(
      (x) => ({ outputs: [g.mul(x, g.mul(x, x))], residuals: [g.mul(x, x)] }),
      ([square], [d]) => [g.mul(d, g.mul(square, 3))],
    );
    const first = (x: g.Tensor) => sum(g.grad((y: g.Tensor) => sum(cube(y)[0]))(x));
    expect(await numbers(g.grad(first)(g.tensor([2])))).toEqual([12]);
  });
});

describe("remat", () => {
  const layer = (x: g.Tensor) => g.exp(g.matmul(g.sin(x), x));
  const loss = (save?: g.SavePolicy) => (x: g.Tensor) =>
    sum(g.remat((a) => [layer(a)], save)(x)[0]);
  const counts = (save?: g.SavePolicy) => {
    const { program } = g.trace(g.grad(loss(save)), { shape: [2, 2], dtype: "float32" });
    const names = g.simplify(program).equations.map(({ primitive }) => primitive.name);
    const forward = ["sin", "exp"].map((name) => names.filter((n) => n === name).length);
    return { forward, products: names.filter((n) => n === "dotGeneral").length, names };
  };

  it("computes the region again in the backward pass", () => {
    expect(counts()).toMatchObject({ forward: [1, 1], products: 3 });
  });

  it("keeps what the policy saves", () => {
    const { forward, products, names } = counts(g.saveDots);
    expect({ forward, products }).toEqual({ forward: [1, 1], products: 2 });
    expect(names.indexOf("barrier")).toBeLessThan(names.indexOf("sin"));
  });
});

describe("scan", () => {
  /** The scans of a value and its gradient. */
  const scansOf = (fn: (x: g.Tensor, w: g.Tensor) => g.Tensor) => {
    const specs = [
      { shape: [4, 3], dtype: "float32" } as const,
      { shape: [3], dtype: "float32" } as const,
    ];
    const { program } = g.trace(
      (x: g.Tensor, w: g.Tensor) => {
        const { value, grads } = g.valueAndGrad((k: g.Tensor) => fn(x, k))(w);
        return [value, grads];
      },
      ...specs,
    );
    const scans = g
      .simplify(program)
      .equations.filter(({ primitive }) => primitive.name === "scan");
    return scans.map(({ attrs, inputs }) => ({ attrs: attrs as g.AttrsOf<"scan">, inputs }));
  };

  it("captures loop-invariant residuals once, and stacks only what varies", () => {
    const [forward, back] = scansOf((x, w) =>
      sum(
        g.scan(([c], [row]) => ({ carry: [g.add(c, g.mul(row, g.exp(w)))] }), [g.zeros([3])], [x])
          .carry[0],
      ),
    );
    // the rows are read again and exp(w) is invariant: nothing is stacked
    expect(forward.attrs.program.outputs).toHaveLength(1);
    expect(back.attrs.xs).toBe(1);
    expect(back.attrs.reverse).toBe(true);
  });

  it("stacks what was broadcast as it was before", () => {
    const [forward] = scansOf((x, w) =>
      sum(
        g.scan(
          ([c], [row]) => {
            const total = g.broadcastTo(g.sin(g.reduceSum(row)), [64, 3]);
            return { carry: [g.add(c, g.reduceSum(g.mul(total, w), 0))] };
          },
          [g.zeros([3])],
          [x],
        ).carry[0],
      ),
    );
    expect(forward.attrs.program.outputs.map(String)).toEqual(["float32[3]", "float32[]"]);
  });

  it("sums the cotangents of captured tensors in the carry", () => {
    const [, back] = scansOf((x, w) =>
      sum(
        g.scan(([c], [row]) => ({ carry: [g.sin(g.add(c, g.mul(row, w)))] }), [g.zeros([3])], [x])
          .carry[0],
      ),
    );
    expect(back.attrs.carries).toBe(2);
    expect(back.attrs.program.outputs.map(String)).toEqual(["float32[3]", "float32[3]"]);
  });
});
