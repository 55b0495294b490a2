import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { type Tensor, debugSink } from "../../src/graph/index.ts";
import { anyShape } from "./any-shape.ts";
import { families } from "./cases/index.ts";
import { hasGradient } from "./derive.ts";
import { cotangentsOf, gradientError, pullbackAt, widened } from "./finite-differences.ts";
import { instancesOf, outputsOf } from "./table.ts";

beforeAll(() => {
  debugSink.write = () => undefined;
});

describe.for(Object.entries(families))("gradients of %s", ([, rows]) => {
  for (const row of rows.filter(({ gradient }) => gradient === undefined)) {
    const [instance] = instancesOf(row);
    if (!hasGradient(instance)) continue;
    it(row.name, () => {
      const fn = (...xs: Parameters<typeof row.fn>) => outputsOf(row, xs);
      const inputs = instance.example(0).map(widened);
      expect(gradientError(fn, inputs)).toBeLessThan(1e-7);
      const first = pullbackAt(fn, inputs.length);
      expect(gradientError(first, [...inputs, ...cotangentsOf(fn, inputs)])).toBeLessThan(1e-6);
    });
  }
});

describe("gradients of arbitrary shapes", () => {
  it.for(Object.entries(anyShape))("%s", ([, samples]) => {
    fc.assert(
      fc.property(samples, ({ fn, inputs }) => {
        const wide = inputs.map(widened);
        const listed = (...xs: Tensor[]) => [fn(...xs)];
        expect(gradientError(listed, wide)).toBeLessThan(1e-7);
        const first = pullbackAt(listed, wide.length);
        expect(gradientError(first, [...wide, ...cotangentsOf(listed, wide)])).toBeLessThan(1e-6);
      }),
      { numRuns: 40 },
    );
  });
});
