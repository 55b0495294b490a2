import { describe, expect, it } from "vitest";
import * as g from "./index.ts";

const VECTOR: g.Spec = { shape: [3], dtype: "float32" };
const listing = (fn: (...xs: g.Tensor[]) => g.Tensor | readonly g.Tensor[], ...specs: g.Spec[]) =>
  g.printProgram(g.trace(fn, ...specs).program);

describe("printProgram", () => {
  it("lists results, types, primitives, attributes and operands", () => {
    expect(listing((x) => g.mul(x, 2), VECTOR)).toBe(
      [
        "in a: float32[3]",
        "b: float32[] = constant[2]",
        "c: float32[3] = broadcastInDim[shape=[3] axes=[]] b",
        "d: float32[3] = mul a c",
        "out d",
      ].join("\n"),
    );
  });

  it("names scopes, shortens long constants, and indents regions", () => {
    const text = listing(
      (x) =>
        g.withScope("encoder/block_0", () =>
          g.remat((a) => [g.add(a, g.tensor([1, 2, 3, 4, 5, 6].slice(0, 3)))])(x),
        ),
      VECTOR,
    );
    expect(text).toBe(
      [
        "in a: float32[3]",
        "b: float32[3] = remat a  # encoder/block_0",
        "  program:",
        "    in a: float32[3]",
        "    b: float32[3] = constant[1,2,3]  # encoder/block_0",
        "    c: float32[3] = add a b  # encoder/block_0",
        "    out c",
        "out b",
      ].join("\n"),
    );
    expect(listing(() => g.tensor([1, 2, 3, 4, 5]))).toContain("constant[1,2,3,4,…]");
  });

  it("goes on after z", () => {
    const text = listing((x) => {
      let y = x;
      for (let i = 0; i < 27; i++) y = g.sin(y);
      return y;
    }, VECTOR);
    expect(text).toContain("ab: float32[3] = sin aa\n");
  });

  it("prints programs without inputs, composites and custom rules", () => {
    const identity = g.customGradient(
      (x) => ({ outputs: [x], residuals: [] }),
      (_residuals, [d]) => [d],
    );
    const text = listing(() => identity(g.softmax(g.tensor([1, 2]))));
    expect(text).toMatch(/^in\n/);
    expect(text).toContain("composite[name=softmax options={axis:0} results=1] ");
    expect(text).toContain("composite[name=customGradient options={} results=1 ruleIsFinal=true] ");
  });
});
