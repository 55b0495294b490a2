import fc from "fast-check";
import { expect, test } from "vitest";
import { mirrorInWasm, scaleInWasm } from "./points.ts";

const { fround } = Math;

test("rows are mirrored whatever their width", () => {
  for (const width of [5, 6, 9, 10, 11, 224]) {
    const height = 3;
    const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 7) % 256);
    const expected = Array.from(data, (_, i) => {
      const [y, x, c] = [Math.floor(i / (3 * width)), Math.floor(i / 3) % width, i % 3];
      return data[(y * width + width - 1 - x) * 3 + c];
    });
    expect([...mirrorInWasm(data, height, width)!]).toEqual(expected);
  }
  expect(mirrorInWasm(new Uint8Array(12), 1, 4)).toBeUndefined();
});

test("every byte of every channel is scaled as in float32, step by step", () => {
  const number = fc.double({ min: -300, max: 300, noNaN: true });
  const divisor = fc.oneof(number, fc.constantFrom(255, 58.395)).filter((x) => fround(x) !== 0);
  const scaling = fc.record({
    shift: fc.array(number, { minLength: 1, maxLength: 1 }),
    divisor: fc.array(divisor, { minLength: 3, maxLength: 3 }),
    scale: number,
    offset: number,
    bounds: fc.option(fc.constant([-1, 1] as const), { nil: undefined }),
  });
  const data = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  fc.assert(
    fc.property(scaling, (how) => {
      const expected = Float32Array.from(data, (x, i) => {
        const unit = fround(fround(x - fround(how.shift[0])) / fround(how.divisor[i % 3]));
        const moved = fround(fround(unit * fround(how.scale)) + fround(how.offset));
        return how.bounds ? Math.min(Math.max(moved, how.bounds[0]), how.bounds[1]) : moved;
      });
      expect(scaleInWasm(data, 3, how)).toEqual(expected);
    }),
    { numRuns: 50, seed: 1 },
  );
  expect(
    scaleInWasm(new Uint8Array(10), 5, { shift: [0], divisor: [1], scale: 1, offset: 0 }),
  ).toBeUndefined();
});
