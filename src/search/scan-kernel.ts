/** @file The products of many vectors of bytes with one query, as a kernel in WebAssembly. */

import {
  type Code,
  assemble,
  i32,
  loopUntil,
  v128,
  wasmFunction,
} from "../preprocess/wasm/assembler.ts";

/** Vectors are padded with zeros to a multiple of so many bytes: what the kernel takes in a step. */
export const SCAN_STEP = 64;
const LANES = 16;

/**
 * For each row of signed bytes its product with a query of 16-bit numbers, times the row's scale: `count` floats at `out`.
 * Rows are of `width` bytes, a multiple of {@link SCAN_STEP}. Sums are of 32 bits; the query's size keeps them within.
 */
const scanRows = wasmFunction(
  "scanRows",
  { parameters: 6, ints: 3, vectors: 3 },
  ([codes, scales, count, width, query, out], [row, at, byte], [bytes, sum, other]) => {
    const part = (offset: number): Code => [
      ...bytes.set(v128.load(i32.add(codes.get, i32.const(offset)))),
      ...sum.set(
        v128.addInts(
          sum.get,
          v128.dotShorts(
            v128.widenLowSigned(bytes.get),
            v128.load(i32.add(at.get, i32.const(2 * offset))),
          ),
        ),
      ),
      ...other.set(
        v128.addInts(
          other.get,
          v128.dotShorts(
            v128.widenHighSigned(bytes.get),
            v128.load(i32.add(at.get, i32.const(2 * offset + LANES))),
          ),
        ),
      ),
    ];
    const zero = v128.splatInts(i32.const(0));
    const folded = v128.addInts(sum.get, v128.upperHalf(sum.get));
    const second = v128.shuffle(4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)(sum.get, sum.get);
    return [
      loopUntil(
        row,
        count.get,
        sum.set(zero),
        other.set(zero),
        at.set(query.get),
        byte.set(i32.const(0)),
        loopUntil(
          byte,
          width.get,
          ...Array.from({ length: SCAN_STEP / LANES }, (_, k) => part(k * LANES)),
          codes.increase(i32.const(SCAN_STEP)),
          at.increase(i32.const(2 * SCAN_STEP)),
          byte.increase(i32.const(SCAN_STEP)),
        ),
        sum.set(v128.addInts(sum.get, other.get)),
        sum.set(folded),
        sum.set(v128.addInts(sum.get, second)),
        v128.store4(out.get, v128.mulFloats(v128.intsToFloats(sum.get), v128.splat4(scales.get))),
        scales.increase(i32.const(4)),
        out.increase(i32.const(4)),
        row.increase(i32.const(1)),
      ),
    ];
  },
);

/** The kernel with its memory; addresses are in bytes. */
export interface ScanKernel {
  readonly memory: WebAssembly.Memory;
  scanRows(
    codes: number,
    scales: number,
    count: number,
    width: number,
    query: number,
    out: number,
  ): void;
}

let compiled: WebAssembly.Module | undefined;

/** A new instance of the kernel, with a memory of its own. */
export function openScanKernel(): ScanKernel {
  compiled ??= new WebAssembly.Module(assemble([scanRows]));
  return new WebAssembly.Instance(compiled).exports as unknown as ScanKernel;
}
