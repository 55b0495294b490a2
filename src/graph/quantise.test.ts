import { describe, expect, it } from "vitest";
import { createInterpreter } from "../engines/interpreter/index.ts";
import { createOrtEngine } from "../engines/ort/index.ts";
import { createXlaEngine } from "../engines/xla/index.ts";
import { installedPlugins } from "../engines/xla/plugins.ts";
import * as g from "./index.ts";

const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i * i * 0.7) * (1 + (i % 3)));
const x = g.hostArray([3, 6], "float32", numbers(18, 1));
const w = g.hostArray([6, 4], "float32", numbers(24, 2));

/** Everything about one width, as a program. */
const all = (bits: g.Bits) => (a: g.Tensor, b: g.Tensor) => {
  const kernel = g.quantise(b, bits);
  const product = g.quantisedMatmul(a, kernel);
  const rows = g.quantise(a, 8, -1);
  const exact = g.matmul(g.dequantise(rows), g.dequantise(kernel));
  return [kernel.values, g.dequantise(kernel), product, exact];
};

const engines = {
  interpreter: () => Promise.resolve(createInterpreter()),
  ort: () => createOrtEngine({ threads: 1 }),
  ...(installedPlugins().includes("xla-cpu") && {
    "xla-cpu": () => Promise.resolve(createXlaEngine({ plugin: "xla-cpu" })),
  }),
};

describe.for(Object.entries(engines))("quantised weights on %s", ([, create]) => {
  it.for([8, 4] as const)(
    "of %d bits are near, and multiply as what they stand for",
    async (bits) => {
      const engine = await create();
      using executable = await engine.compile(g.trace(all(bits), x, w).program);
      const outputs = await executable.run([x, w]);
      const [values, back, product, exact] = await Promise.all(outputs.map((y) => y.read()));
      expect(values.shape).toEqual(bits === 8 ? [6, 4] : [3, 4]);
      const wide = g.toNumbers(w);
      const columns = [0, 1, 2, 3].map((j) =>
        Math.max(...wide.filter((_, i) => i % 4 === j).map(Math.abs)),
      );
      g.toNumbers(back).forEach((y, i) => {
        const step = columns[i % 4] / (2 ** (bits - 1) - 1);
        expect(Math.abs(y - wide[i])).toBeLessThanOrEqual(step * 0.5001);
      });
      const wanted = g.toNumbers(exact);
      g.toNumbers(product).forEach((y, i) => expect(y).toBeCloseTo(wanted[i], 5));
      await engine.dispose();
    },
  );
});

describe("quantise", () => {
  it("packs two numbers of 4 bits a byte, the first in the lower half", async () => {
    const { program } = g.trace((a: g.Tensor) => g.quantise(a, 4).values, {
      shape: [4],
      dtype: "float32",
    });
    using executable = await createInterpreter().compile(program);
    const [values] = await executable.run([
      g.hostArray([4], "float32", Float32Array.of(-7, 0, 3, 7)),
    ]);
    expect(g.toNumbers(await values.read())).toEqual([0x81, 0xfb]);
  });

  it("keeps columns of zeros", async () => {
    const { program } = g.trace((a: g.Tensor) => g.dequantise(g.quantise(a)), {
      shape: [2, 1],
      dtype: "float32",
    });
    using executable = await createInterpreter().compile(program);
    const [values] = await executable.run([g.hostArray([2, 1], "float32", new Float32Array(2))]);
    expect(g.toNumbers(await values.read())).toEqual([0, 0]);
  });

  it("refuses odd extents of 4 bits, other widths, and operands that do not fit", () => {
    const odd = g.zeros([3, 2]);
    expect(() => g.quantise(odd, 4)).toThrow(/packed in pairs, and axis 0 is odd/);
    expect(() => g.quantise(odd, 3 as g.Bits)).toThrow(/8 or 4 bits, not 3/);
    expect(() => g.quantisedMatmul(g.zeros([2, 4]), g.quantise(odd))).toThrow(/quantised along in/);
  });
});
