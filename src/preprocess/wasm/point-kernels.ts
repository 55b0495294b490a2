/** @file Kernels in WebAssembly that work on one pixel or value at a time, several in a step. */

import { type Code, i32, loopUntil, v128, wasmFunction } from "./assembler.ts";

/** Pixels that are mirrored in a step, and their bytes. */
export const MIRROR_STEP = 5;
const STEP_BYTES = 3 * MIRROR_STEP;

/**
 * Mirrors rows of RGB bytes left to right; `width` is {@link MIRROR_STEP} at least. Reads and writes a byte beyond.
 */
export const mirrorRows = wasmFunction(
  "mirrorRows",
  { parameters: 4, ints: 5, vectors: 1 },
  ([source, width, rows, out], [y, x, from, to, length], [pixels]) => {
    const step: Code = [
      ...pixels.set(v128.load(from.get)),
      ...v128.store(
        to.get,
        v128.shuffle(12, 13, 14, 9, 10, 11, 6, 7, 8, 3, 4, 5, 0, 1, 2, 15)(pixels.get, pixels.get),
      ),
    ];
    return [
      length.set(i32.mul(width.get, i32.const(3))),
      loopUntil(
        y,
        rows.get,
        from.set(i32.add(source.get, i32.add(length.get, i32.const(-STEP_BYTES)))),
        to.set(out.get),
        x.set(i32.const(MIRROR_STEP)),
        loopUntil(
          x,
          width.get,
          step,
          from.increase(i32.const(-STEP_BYTES)),
          to.increase(i32.const(STEP_BYTES)),
          x.increase(i32.const(MIRROR_STEP)),
        ),
        // the last pixels of a row, some of them for the second time
        from.set(source.get),
        to.set(i32.add(out.get, i32.add(length.get, i32.const(-STEP_BYTES)))),
        step,
        source.increase(length.get),
        out.increase(length.get),
        y.increase(i32.const(1)),
      ),
    ];
  },
);

/** Values of a step: what 1, 2, 3 or 4 channels divide. */
export const SCALE_STEP = 12;

/**
 * Maps bytes to floats, (x - shift) / divisor · scale + offset within bounds, each step rounded. At `constants` are
 * shifts and divisors, {@link SCALE_STEP} each, then scale, offset, least and most, four times each. Reads and writes
 * up to 11 values beyond.
 */
export const scaleBytes = wasmFunction(
  "scaleBytes",
  { parameters: 4, ints: 1, vectors: 11 },
  ([source, count, constants, out], [i], [value, scale, offset, least, most, ...locals]) => {
    const vector = (k: number): Code => v128.load(i32.add(constants.get, i32.const(16 * k)));
    const parts = SCALE_STEP / 4;
    const all = [...locals, scale, offset, least, most];
    return [
      ...all.map((local, k) => local.set(vector(k))),
      loopUntil(
        i,
        count.get,
        ...Array.from({ length: parts }, (_, k) => {
          const bytes = v128.load4(i32.add(source.get, i32.const(4 * k)));
          const floats = v128.intsToFloats(v128.widenLow(v128.widenLowBytes(bytes)));
          const unit = v128.divFloats(v128.subFloats(floats, locals[k].get), locals[parts + k].get);
          const moved = v128.addFloats(v128.mulFloats(unit, scale.get), offset.get);
          return [
            ...value.set(v128.minFloats(v128.maxFloats(moved, least.get), most.get)),
            ...v128.store(i32.add(out.get, i32.const(16 * k)), value.get),
          ];
        }),
        source.increase(i32.const(SCALE_STEP)),
        out.increase(i32.const(4 * SCALE_STEP)),
        i.increase(i32.const(SCALE_STEP)),
      ),
    ];
  },
);
