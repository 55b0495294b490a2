import { expect, it } from "vitest";
import { type Tensor, fromNumbers, scatterAdd, toNumbers, trace } from "../../../../graph/index.ts";
import { createOrtEngine } from "../../index.ts";

// ONNX Runtime's own threads lose sums where they add to one row at once: rarely, so that it takes many updates to see it
it("a scatter of many updates on two threads loses none", { timeout: 120_000 }, async () => {
  const [rows, width, count] = [4096, 256, 49_152];
  const numbers = (
    n: number,
    of: (i: number) => number,
    shape: number[],
    dtype = "float32" as const,
  ) =>
    fromNumbers(
      Array.from({ length: n }, (_, i) => of(i)),
      shape,
      dtype,
    );
  const indices = Array.from(
    { length: count },
    (_, i) => (Math.imul(i, 2_654_435_761) >>> 8) % rows,
  );
  const inputs = [
    numbers(rows * width, () => 1, [rows, width]),
    fromNumbers(indices, [count], "int32"),
    numbers(count * width, (i) => i % 61, [count, width]),
  ];
  const expected = new Float64Array(rows * width).fill(1);
  for (let i = 0; i < count * width; i++) {
    expected[indices[Math.floor(i / width)] * width + (i % width)] += i % 61;
  }
  const { program } = trace((...xs: Tensor[]) => [scatterAdd(xs[0], xs[1], xs[2])], ...inputs);
  const engine = await createOrtEngine({ threads: 2 });
  const executable = await engine.compile(program);
  for (let run = 0; run < 8; run++) {
    const [result] = await executable.run(inputs);
    const sums = toNumbers(await result.read()); // whole numbers: exact in any order
    expect(sums.filter((sum, i) => sum !== expected[i]).length).toBe(0);
    result.dispose();
  }
  executable.dispose();
  await engine.dispose();
});
