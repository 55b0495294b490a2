import { describe, expect, it } from "vitest";
import { createOrtEngine } from "../../../engines/ort/index.ts";
import { seededRandom } from "../../../random.ts";
import * as g from "../../index.ts";

const uniform = (shape: g.Shape, name: string): g.HostArray => {
  const random = seededRandom(name, 0);
  return g.fromNumbers(
    Array.from({ length: g.sizeOf(shape) }, () => random.uniform() - 0.5),
    shape,
    "float32",
  );
};

/** Numbers that a function makes of one input on ort. */
async function measure(
  fn: (x: g.Tensor) => readonly g.Tensor[],
  x: g.HostArray,
): Promise<number[]> {
  const engine = await createOrtEngine({ threads: 1 });
  using executable = await engine.compile(g.trace(fn, x).program);
  const outputs = await executable.run([x]);
  const values = await Promise.all(outputs.map(async (y) => g.toNumbers(await y.read())[0]));
  await engine.dispose();
  return values;
}

/** How far a matrix is from another, and the columns of a third from being orthonormal. */
const errors = (back: g.Tensor, x: g.Tensor, columns: g.Tensor): g.Tensor[] => [
  g.div(g.norm(g.sub(back, x)), g.norm(x)),
  g.reduceMax(g.abs(g.sub(g.matmul(g.matrixTranspose(columns), columns), g.eye(columns.shape[1])))),
];

describe("Jacobi's method in blocks", { timeout: 120_000 }, () => {
  it.for([
    { what: "any matrix", rank: 100 },
    { what: "a matrix with few eigenvalues other than 0", rank: 20 },
  ])("gives the eigenvalues and vectors of $what within 2e-6", async ({ rank }) => {
    const [back, apart] = await measure(
      (a) => {
        const x = g.matmul(a, g.matrixTranspose(a));
        const { values, vectors } = g.eigh(x);
        const made = g.matmul(g.mul(vectors, g.expandDims(values, 0)), g.matrixTranspose(vectors));
        return errors(made, x, vectors);
      },
      uniform([100, rank], `eigh ${rank}`),
    );
    expect(back).toBeLessThan(2e-6);
    expect(apart).toBeLessThan(2e-6);
  });

  it("gives singular values from 1 to 1e-6 within 1e-6 of the largest", async () => {
    const n = 40;
    const sizes = Array.from({ length: n }, (_, i) => 10 ** ((-6 * i) / (n - 1)));
    const [back, apart, off] = await measure(
      (a) => {
        const [left, right] = [g.sliceAxis(a, 0, 0, n + 10), g.sliceAxis(a, 0, n + 10)].map(
          (part) => g.qr(part).q,
        );
        const x = g.matmul(g.mul(left, g.tensor(sizes)), g.matrixTranspose(right));
        const { u, s, vt } = g.svd(x);
        const worst = g.reduceMax(g.abs(g.sub(s, g.tensor(sizes))));
        return [...errors(g.matmul(g.mul(u, s), vt), x, u), worst];
      },
      uniform([2 * n + 10, n], "svd"),
    );
    expect(back).toBeLessThan(1e-6);
    expect(apart).toBeLessThan(2e-6);
    expect(off).toBeLessThan(1e-6);
  });
});
