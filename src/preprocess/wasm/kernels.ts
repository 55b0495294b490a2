/** @file The resize kernels in WebAssembly: bit for bit what the loops in ../resize give, several values at a time. */

import { type Code, assemble, i32, loopUntil, v128, wasmFunction } from "./assembler.ts";

/** The fractional bits of Pillow's weights, and the half that sums begin with. */
const BITS = 22;
const HALF = v128.splatInts(i32.const(1 << (BITS - 1)));

const address = (base: Code, index: Code, size: number): Code =>
  i32.add(base, i32.mul(index, i32.const(size)));

/**
 * Weighs the columns of RGB bytes in fixed point: `rows` rows of `stride` bytes at `source` to rows of `columns` pixels at
 * `out`. Reads and writes a byte beyond.
 */
const pillowRows = wasmFunction(
  "pillowRows",
  { parameters: 9, ints: 6, vectors: 1 },
  (
    [source, stride, rows, starts, counts, weights, span, columns, out],
    [y, x, from, weight, end, row],
    [sum],
  ) => [
    row.set(source.get),
    loopUntil(
      y,
      rows.get,
      x.set(i32.const(0)),
      loopUntil(
        x,
        columns.get,
        sum.set(HALF),
        from.set(address(row.get, i32.load(address(starts.get, x.get, 4)), 3)),
        weight.set(address(weights.get, i32.mul(x.get, span.get), 4)),
        end.set(address(weight.get, i32.load(address(counts.get, x.get, 4)), 4)),
        loopUntil(
          weight,
          end.get,
          sum.set(
            v128.addInts(
              sum.get,
              v128.mulInts(
                v128.widenLow(v128.widenLowBytes(v128.load4(from.get))),
                v128.splat4(weight.get),
              ),
            ),
          ),
          from.increase(i32.const(3)),
          weight.increase(i32.const(4)),
        ),
        sum.set(v128.shiftInts(sum.get, i32.const(BITS))),
        sum.set(v128.narrow(sum.get, sum.get)),
        v128.store4(out.get, v128.narrowToBytes(sum.get, sum.get)),
        out.increase(i32.const(3)),
        x.increase(i32.const(1)),
      ),
      row.increase(stride.get),
      y.increase(i32.const(1)),
    ),
  ],
);

/** Weighs the rows of bytes in fixed point, 16 columns at a time. Reads and writes up to 15 bytes beyond. */
const pillowColumns = wasmFunction(
  "pillowColumns",
  { parameters: 8, ints: 6, vectors: 6 },
  (
    [source, length, starts, counts, weights, span, rows, out],
    [y, i, from, weight, end, to],
    [a, b, c, d, bytes, factor],
  ) => {
    const sums = [a, b, c, d];
    const parts = [
      v128.widenLow(v128.widenLowBytes(bytes.get)),
      v128.widenHigh(v128.widenLowBytes(bytes.get)),
      v128.widenLow(v128.widenHighBytes(bytes.get)),
      v128.widenHigh(v128.widenHighBytes(bytes.get)),
    ];
    const shifted = sums.map((sum) => v128.shiftInts(sum.get, i32.const(BITS)));
    return [
      loopUntil(
        y,
        rows.get,
        i.set(i32.const(0)),
        loopUntil(
          i,
          length.get,
          ...sums.map((sum) => sum.set(HALF)),
          from.set(
            i32.add(
              i32.add(source.get, i.get),
              i32.mul(i32.load(address(starts.get, y.get, 4)), length.get),
            ),
          ),
          weight.set(address(weights.get, i32.mul(y.get, span.get), 4)),
          end.set(address(weight.get, i32.load(address(counts.get, y.get, 4)), 4)),
          loopUntil(
            weight,
            end.get,
            bytes.set(v128.load(from.get)),
            factor.set(v128.splat4(weight.get)),
            ...sums.map((sum, k) =>
              sum.set(v128.addInts(sum.get, v128.mulInts(parts[k], factor.get))),
            ),
            from.increase(length.get),
            weight.increase(i32.const(4)),
          ),
          to.set(i32.add(out.get, i.get)),
          v128.store(
            to.get,
            v128.narrowToBytes(
              v128.narrow(shifted[0], shifted[1]),
              v128.narrow(shifted[2], shifted[3]),
            ),
          ),
          i.increase(i32.const(16)),
        ),
        out.increase(length.get),
        y.increase(i32.const(1)),
      ),
    ];
  },
);

/**
 * Weighs the columns of RGB bytes in double precision, results rounded to floats. Reads a byte and writes a float
 * beyond.
 */
const floatRows = wasmFunction(
  "floatRows",
  { parameters: 9, ints: 6, vectors: 4 },
  (
    [source, stride, rows, starts, counts, weights, span, columns, out],
    [y, x, from, weight, end, row],
    [first, second, pixel, factor],
  ) => [
    row.set(source.get),
    loopUntil(
      y,
      rows.get,
      x.set(i32.const(0)),
      loopUntil(
        x,
        columns.get,
        first.set(v128.splatInts(i32.const(0))),
        second.set(v128.splatInts(i32.const(0))),
        from.set(address(row.get, i32.load(address(starts.get, x.get, 4)), 3)),
        weight.set(address(weights.get, i32.mul(x.get, span.get), 4)),
        end.set(address(weight.get, i32.load(address(counts.get, x.get, 4)), 4)),
        loopUntil(
          weight,
          end.get,
          pixel.set(v128.widenLow(v128.widenLowBytes(v128.load4(from.get)))),
          factor.set(v128.floatsToDoubles(v128.splat4(weight.get))),
          first.set(
            v128.addDoubles(first.get, v128.mulDoubles(factor.get, v128.intsToDoubles(pixel.get))),
          ),
          second.set(
            v128.addDoubles(
              second.get,
              v128.mulDoubles(factor.get, v128.intsToDoubles(v128.upperHalf(pixel.get))),
            ),
          ),
          from.increase(i32.const(3)),
          weight.increase(i32.const(4)),
        ),
        v128.store(
          out.get,
          v128.joinHalves(v128.doublesToFloats(first.get), v128.doublesToFloats(second.get)),
        ),
        out.increase(i32.const(12)),
        x.increase(i32.const(1)),
      ),
      row.increase(stride.get),
      y.increase(i32.const(1)),
    ),
  ],
);

/**
 * Weighs the rows of floats, each partial sum of two or more rows rounded to floats, then clips to bytes and cuts
 * fractions off, 4 columns at a time. Reads up to 3 floats and writes up to 3 bytes beyond.
 */
const floatColumns = wasmFunction(
  "floatColumns",
  { parameters: 8, ints: 5, vectors: 4 },
  (
    [source, length, starts, counts, weights, span, rows, out],
    [y, i, from, weight, end],
    [low, high, floats, factor],
  ) => {
    const lower = v128.floatsToDoubles(floats.get);
    const upper = v128.floatsToDoubles(v128.upperHalf(floats.get));
    const round = (sum: typeof low): Code =>
      sum.set(v128.floatsToDoubles(v128.doublesToFloats(sum.get)));
    const joined = v128.joinHalves(v128.doublesToFloats(low.get), v128.doublesToFloats(high.get));
    const next: Code[] = [
      floats.set(v128.load(from.get)),
      factor.set(v128.floatsToDoubles(v128.splat4(weight.get))),
      low.set(v128.addDoubles(low.get, v128.mulDoubles(factor.get, lower))),
      high.set(v128.addDoubles(high.get, v128.mulDoubles(factor.get, upper))),
      from.increase(i32.mul(length.get, i32.const(4))),
      weight.increase(i32.const(4)),
    ];
    return [
      loopUntil(
        y,
        rows.get,
        i.set(i32.const(0)),
        loopUntil(
          i,
          length.get,
          low.set(v128.splatInts(i32.const(0))),
          high.set(v128.splatInts(i32.const(0))),
          from.set(
            address(
              source.get,
              i32.add(i.get, i32.mul(i32.load(address(starts.get, y.get, 4)), length.get)),
              4,
            ),
          ),
          weight.set(address(weights.get, i32.mul(y.get, span.get), 4)),
          end.set(address(weight.get, i32.load(address(counts.get, y.get, 4)), 4)),
          ...next, // the first product is exact in double precision: only its sum with the second is rounded
          loopUntil(weight, end.get, ...next, round(low), round(high)),
          floats.set(joined),
          floats.set(v128.maxFloats(floats.get, v128.splatInts(i32.const(0)))),
          floats.set(v128.minFloats(floats.get, v128.splatInts(i32.const(0x437f0000)))), // 255
          floats.set(v128.floatsToInts(floats.get)),
          floats.set(v128.narrow(floats.get, floats.get)),
          v128.store4(i32.add(out.get, i.get), v128.narrowToBytes(floats.get, floats.get)),
          i.increase(i32.const(4)),
        ),
        out.increase(length.get),
        y.increase(i32.const(1)),
      ),
    ];
  },
);

type Kernel = (...numbers: number[]) => void;

/** The kernels, and the memory they work on. */
export interface Kernels {
  readonly pillowRows: Kernel;
  readonly pillowColumns: Kernel;
  readonly floatRows: Kernel;
  readonly floatColumns: Kernel;
  readonly memory: WebAssembly.Memory;
}

let instance: Kernels | null | undefined;

/** The kernels, made at their first use; undefined where there is no WebAssembly with vectors. */
export function kernels(): Kernels | undefined {
  if (instance === undefined) {
    try {
      const module = assemble([pillowRows, pillowColumns, floatRows, floatColumns]);
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
      instance = exports as unknown as Kernels;
    } catch {
      instance = null; // the loops in ../resize give the same values
    }
  }
  return instance ?? undefined;
}
