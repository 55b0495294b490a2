/** @file Adafactor in big_vision's variant. */

import { z } from "zod";
import {
  type Shape,
  type Tensor,
  add,
  convert,
  div,
  expandDims,
  mean,
  minimum,
  mul,
  pow,
  rsqrt,
  square,
  sub,
  zeros,
} from "../graph/index.ts";
import { clipByBlockRms } from "./clip.ts";
import { defineOptimizer, fraction, momentDtype } from "./define.ts";
import { ema } from "./momentum.ts";
import { stackOf } from "./rules.ts";
import { type Named, type Transform, chain, scaled } from "./transform.ts";

const adafactorSchema = z.strictObject({
  /** Factor the second moment of kernels whose two largest extents are at least this. Default: 32. */
  minDimSizeToFactor: z.int().min(1).optional(),
  /** The second moment's decay is 1 − step^−decayRate. Default: 0.8. */
  decayRate: z.number().positive().optional(),
  /** Steps by which the decay's schedule is moved. Default: 0. */
  decayOffset: z.int().optional(),
  /** The largest decay of the second moment. Default: 0.999. */
  beta2Cap: z.number().min(0).max(1).optional(),
  /** The largest root mean square of each parameter's update. Default: any. */
  clippingThreshold: z.number().positive().nullable().optional(),
  /** The decay of an average without bias correction; 0 or null for none. Default: 0.9. */
  momentum: fraction.nullable().optional(),
  /** The dtype in which that average is stored. Default: "bfloat16". */
  dtypeMomentum: momentDtype.optional(),
  /** Added to squares of the gradient. Default: 1e-30. */
  eps: z.number().min(0).optional(),
});

/** Options of {@link scaleByAdafactor}. */
export type AdafactorOptions = Readonly<z.output<typeof adafactorSchema>>;

/** Second moments: of rows and columns where factored, else whole. */
type FactoredState = { readonly row: Named; readonly column: Named; readonly full: Named };

/**
 * The second largest and the largest axis of a kernel large enough to be factored; the first axis is none of them where
 * layers lie stacked along it.
 */
function factoredAxes(
  shape: Shape,
  smallest: number,
  isStacked: boolean,
): [rows: number, columns: number] | undefined {
  const axes = shape.map((_, i) => i).slice(isStacked ? 1 : 0);
  const [d1, d0] = axes.sort((a, b) => shape[a] - shape[b] || a - b).slice(-2);
  return axes.length < 2 || shape[d1] < smallest ? undefined : [d1, d0];
}

const without = (shape: Shape, axis: number): number[] => shape.filter((_, i) => i !== axis);

/** `decay · old + (1 − decay) · next`, with a decay that is computed. */
const blend = (old: Tensor, next: Tensor, decay: Tensor): Tensor =>
  add(scaled(old, decay), scaled(next, sub(1, decay)));

/** Updates over the root of a factored second moment. Shazeer & Stern 2018, arXiv:1804.04235. */
function scaleByFactoredRms(
  options: Required<AdafactorOptions>,
  stacked: readonly string[],
): Transform<FactoredState> {
  const { minDimSizeToFactor, decayRate, decayOffset, beta2Cap, eps } = options;
  const axesOf = (name: string, { shape }: Tensor) =>
    factoredAxes(shape, minDimSizeToFactor, stackOf(name, stacked) !== undefined);
  return {
    init(params) {
      const kinds: Record<keyof FactoredState, Record<string, Tensor>> = {
        row: {},
        column: {},
        full: {},
      };
      for (const [name, param] of Object.entries(params)) {
        const { shape } = param;
        const axes = axesOf(name, param);
        if (axes) {
          kinds.row[name] = zeros(without(shape, axes[1]));
          kinds.column[name] = zeros(without(shape, axes[0]));
        } else {
          kinds.full[name] = zeros(shape);
        }
      }
      return kinds;
    },
    update({ values, scale }, state, _params, { step }) {
      const time = add(convert(step, "float32"), 1 - decayOffset);
      const decay = minimum(sub(1, pow(time, -decayRate)), beta2Cap);
      const next: Record<keyof FactoredState, Record<string, Tensor>> = {
        row: {},
        column: {},
        full: {},
      };
      const scaledUpdates: Record<string, Tensor> = {};
      for (const [name, value] of Object.entries(values)) {
        const grad = scaled(value, scale);
        const squares = add(square(grad), eps);
        const axes = axesOf(name, value);
        if (!axes) {
          const full = blend(state.full[name], squares, decay);
          next.full[name] = full;
          scaledUpdates[name] = mul(grad, rsqrt(full));
          continue;
        }
        const [d1, d0] = axes;
        const row = blend(state.row[name], mean(squares, d0), decay);
        const column = blend(state.column[name], mean(squares, d1), decay);
        next.row[name] = row;
        next.column[name] = column;
        scaledUpdates[name] = mul(mul(grad, rowFactor(row, axes)), expandDims(rsqrt(column), d1));
      }
      return { updates: { values: scaledUpdates, scale: 1 }, state: next };
    },
  };
}

/** √(mean of the rows' moments / each row's), with the columns' axis put back. */
function rowFactor(row: Tensor, [d1, d0]: readonly [number, number]): Tensor {
  const reduced = d1 > d0 ? d1 - 1 : d1;
  const centre = mean(row, reduced, { keepDims: true });
  return expandDims(rsqrt(div(row, centre)), d0);
}

/**
 * big_vision's Adafactor: no parameter scaling, second-moment decay min(cap, 1 − t^−0.8), momentum in bfloat16.
 * Zhai et al. 2022, arXiv:2106.04560.
 *
 * @param stacked names under which scanned layers lie stacked; each layer is treated as a parameter by itself
 */
export function scaleByAdafactor(
  given: AdafactorOptions = {},
  stacked: readonly string[] = [],
): Transform {
  const options = {
    minDimSizeToFactor: 32,
    decayRate: 0.8,
    decayOffset: 0,
    beta2Cap: 0.999,
    clippingThreshold: null,
    momentum: 0.9,
    dtypeMomentum: "bfloat16",
    eps: 1e-30,
    ...given,
  } as const;
  const { clippingThreshold, momentum, dtypeMomentum } = options;
  return chain(
    scaleByFactoredRms(options, stacked),
    ...(clippingThreshold ? [clipByBlockRms(clippingThreshold, stacked)] : []),
    ...(momentum ? [ema(momentum, dtypeMomentum)] : []),
  );
}

/** Adafactor in a configuration. */
export const adafactor = defineOptimizer({
  name: "adafactor",
  schema: adafactorSchema,
  create: scaleByAdafactor,
});
