/** @file The resize kernels in WebAssembly: bit for bit what the loops in ../resize give, several values at a time. */

import {
  type Code,
  type Local,
  assemble,
  i32,
  loopUntil,
  v128,
  wasmFunction,
} from "./assembler.ts";
import { mirrorRows, scaleBytes } from "./point-kernels.ts";

/** The fractional bits of Pillow's weights, and the half that sums begin with. */
const BITS = 22;
const HALF = v128.splatInts(i32.const(1 << (BITS - 1)));
const ZERO = v128.splatInts(i32.const(0));
/**
 * Pillow's weights are cut into these bits and those above, numbers of 16 bits each, so that one instruction weighs two
 * neighbours: a pair of weights is two upper parts, then two lower ones.
 */
export const LOW_BITS = 11;
const PAIR_BYTES = 8;

const address = (base: Code, index: Code, size: number): Code =>
  i32.add(base, i32.mul(index, i32.const(size)));

/** What neighbours are weighed with, and the sums of the upper and of the lower parts. */
const addPair = (neighbours: Code, weights: Local[], [upper, lower]: Local[]): Code => [
  ...upper.set(v128.addInts(upper.get, v128.dotShorts(neighbours, weights[0].get))),
  ...lower.set(v128.addInts(lower.get, v128.dotShorts(neighbours, weights[1].get))),
];

const startSums = ([upper, lower]: Local[]): Code => [...upper.set(ZERO), ...lower.set(HALF)];

const joinSums = ([upper, lower]: Local[]): Code =>
  v128.shiftInts(
    v128.addInts(v128.shiftIntsLeft(upper.get, i32.const(LOW_BITS)), lower.get),
    i32.const(BITS),
  );

const pairsOf = (locals: Local[]): Local[][] =>
  Array.from({ length: locals.length / 2 }, (_, i) => locals.slice(2 * i, 2 * i + 2));

const loadWeights = (weights: Local[], at: Local): Code =>
  weights.flatMap((part, i) => part.set(v128.splat4(i32.add(at.get, i32.const(4 * i)))));

/** Both reds, both greens and both blues of two pixels in a vector whose upper half is zero, as 16-bit numbers. */
const TWO_PIXELS = v128.shuffle(0, 8, 3, 8, 1, 8, 4, 8, 2, 8, 5, 8, 8, 8, 8, 8);

/**
 * Weighs the columns of RGB bytes in fixed point, four rows at a time: rows of `stride` bytes at `source` to rows of
 * `columns` pixels and `outStride` bytes at `out`. `ends` says where the weights of each column end. Reads up to three
 * rows and 8 bytes beyond, and writes up to three rows and a byte beyond.
 */
const pillowRows = wasmFunction(
  "pillowRows",
  { parameters: 9, ints: 8, vectors: 11 },
  (
    [source, stride, rows, starts, ends, weights, columns, out, outStride],
    [y, x, from, weight, end, to, line, outLine],
    [pixels, high, low, ...locals],
  ) => {
    const sums = pairsOf(locals);
    const factors = [high, low];
    return [
      loopUntil(
        y,
        rows.get,
        x.set(i32.const(0)),
        to.set(out.get),
        weight.set(weights.get),
        loopUntil(
          x,
          columns.get,
          ...sums.map(startSums),
          from.set(address(source.get, i32.load(address(starts.get, x.get, 4)), 3)),
          end.set(i32.add(weights.get, i32.load(address(ends.get, x.get, 4)))),
          loopUntil(
            weight,
            end.get,
            loadWeights(factors, weight),
            line.set(from.get),
            ...sums.map((pair) => [
              ...pixels.set(v128.load8(line.get)),
              ...addPair(TWO_PIXELS(pixels.get, pixels.get), factors, pair),
              ...line.increase(stride.get),
            ]),
            from.increase(i32.const(6)),
            weight.increase(i32.const(PAIR_BYTES)),
          ),
          outLine.set(to.get),
          ...sums.map((pair) => [
            ...pixels.set(joinSums(pair)),
            ...pixels.set(v128.narrow(pixels.get, pixels.get)),
            ...v128.store4(outLine.get, v128.narrowToBytes(pixels.get, pixels.get)),
            ...outLine.increase(outStride.get),
          ]),
          to.increase(i32.const(3)),
          x.increase(i32.const(1)),
        ),
        source.increase(i32.mul(stride.get, i32.const(4))),
        out.increase(i32.mul(outStride.get, i32.const(4))),
        y.increase(i32.const(4)),
      ),
    ];
  },
);

/**
 * Weighs the rows of bytes in fixed point, 16 columns at a time: rows of `stride` bytes, of which `length` count, to rows
 * of `length` bytes. `ends` says where the weights of each row end. Reads up to a row and 15 bytes beyond, and writes up
 * to 15 bytes beyond.
 */
const pillowColumns = wasmFunction(
  "pillowColumns",
  { parameters: 8, ints: 6, vectors: 13 },
  (
    [source, stride, length, starts, ends, weights, rows, out],
    [y, i, from, weight, end, begin],
    [first, second, third, high, low, ...locals],
  ) => {
    const sums = pairsOf(locals);
    const factors = [high, low];
    const lower = v128.shuffle(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const upper = v128.shuffle(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    const results = sums.map(joinSums);
    return [
      begin.set(weights.get),
      loopUntil(
        y,
        rows.get,
        i.set(i32.const(0)),
        end.set(i32.add(weights.get, i32.load(address(ends.get, y.get, 4)))),
        loopUntil(
          i,
          length.get,
          ...sums.map(startSums),
          from.set(
            i32.add(
              i32.add(source.get, i.get),
              i32.mul(i32.load(address(starts.get, y.get, 4)), stride.get),
            ),
          ),
          weight.set(begin.get),
          loopUntil(
            weight,
            end.get,
            loadWeights(factors, weight),
            first.set(v128.load(from.get)),
            from.increase(stride.get),
            second.set(v128.load(from.get)),
            from.increase(stride.get),
            third.set(lower(first.get, second.get)),
            first.set(upper(first.get, second.get)),
            addPair(v128.widenLowBytes(third.get), factors, sums[0]),
            addPair(v128.widenHighBytes(third.get), factors, sums[1]),
            addPair(v128.widenLowBytes(first.get), factors, sums[2]),
            addPair(v128.widenHighBytes(first.get), factors, sums[3]),
            weight.increase(i32.const(PAIR_BYTES)),
          ),
          v128.store(
            i32.add(out.get, i.get),
            v128.narrowToBytes(
              v128.narrow(results[0], results[1]),
              v128.narrow(results[2], results[3]),
            ),
          ),
          i.increase(i32.const(16)),
        ),
        begin.set(end.get),
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
  readonly mirrorRows: Kernel;
  readonly scaleBytes: Kernel;
  readonly memory: WebAssembly.Memory;
}

let instance: Kernels | null | undefined;

/** The kernels, made at their first use; undefined where there is no WebAssembly with vectors. */
export function kernels(): Kernels | undefined {
  if (instance === undefined) {
    try {
      const functions = [
        pillowRows,
        pillowColumns,
        floatRows,
        floatColumns,
        mirrorRows,
        scaleBytes,
      ];
      const module = assemble(functions);
      const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module));
      instance = exports as unknown as Kernels;
    } catch {
      instance = null; // loops give the same values
    }
  }
  return instance ?? undefined;
}
