/** @file LARS: momentum whose step for each parameter is a part of that parameter's length. */

import { z } from "zod";
import { OcelliError } from "../errors.ts";
import {
  type Tensor,
  add,
  div,
  greater,
  logicalAnd,
  mul,
  norm,
  scalar,
  select,
} from "../graph/index.ts";
import { type OptimizerKeys, defineOptimizer, fraction } from "./define.ts";
import { zeroMoments } from "./moments.ts";
import { compileRules } from "./rules.ts";
import { type Named, type Transform, asUpdates, mapNamed, scaled } from "./transform.ts";

const larsSchema = z.strictObject({
  /** The weight of the past. Default: 0.9. */
  momentum: fraction.optional(),
  /** Which part of a parameter's length a gradient step has. Default: 0.001. */
  trust: z.number().positive().optional(),
  /** A regular expression for the whole names of what is neither decayed nor scaled. Default: biases and scales. */
  exclude: z.string().optional(),
});

/** Options of {@link lars}. */
type LarsOptions = Readonly<z.output<typeof larsSchema>> & Pick<OptimizerKeys, "wd" | "wdMults">;

type LarsState = { readonly trace: Named; readonly rate: Tensor };

const EXCLUDED = "(.*/)?(bias|scale)";

/**
 * g ← g + wd · w; v ← momentum · v + rate · trust · ‖w‖/‖g‖ · g (trust counts where both lengths are above 0); w ← w − v. The
 * learning rate is a part of what is kept, as in SimCLR's code. You et al. 2017, arXiv:1708.03888.
 */
const lars = ({
  momentum = 0.9,
  trust = 1e-3,
  exclude = EXCLUDED,
  wd = 0,
  wdMults,
}: LarsOptions = {}): Transform<LarsState> => {
  if (wdMults !== undefined) {
    throw new OcelliError("config", "lars does not take optimizer.wdMults.", {
      hint: "Name what is neither decayed nor scaled by optimizer.exclude, a regular expression.",
    });
  }
  const isExcluded = compileRules([[exclude, true]]);
  const step = (g: Tensor, w: Tensor): Tensor => {
    const decayed = wd > 0 ? add(g, mul(w, wd)) : g;
    const [own, slope] = [norm(w), norm(decayed)];
    const ratio = mul(div(own, select(greater(slope, 0), slope, 1)), trust);
    return scaled(decayed, select(logicalAnd(greater(own, 0), greater(slope, 0)), ratio, 1));
  };
  return {
    init: (params) => ({ trace: zeroMoments(params), rate: scalar(0) }),
    update({ values, scale }, { trace, rate: before }, params, { rate = scalar(1) }) {
      // directions are multiplied by the rate afterwards, so that what is kept is in units of the last step's rate
      const kept = mul(
        select(greater(rate, 0), div(before, select(greater(rate, 0), rate, 1)), 0),
        momentum,
      );
      const next = mapNamed(values, (given, name) => {
        const g = scaled(given, scale);
        return add(isExcluded(name) ? g : step(g, params[name]), scaled(trace[name], kept));
      });
      return { updates: asUpdates(next), state: { trace: next, rate } };
    },
  };
};

/** LARS in a configuration. */
export const larsOptimizer = defineOptimizer({
  name: "lars",
  schema: larsSchema,
  create: lars,
  decay: () => 0, // it decays gradients itself
});
