/** @file The lowering of every primitive to StableHLO; one without, and without a decomposition, does not compile. */

import type { AttrsOf, LoweringTable, PrimitiveName } from "../../../../graph/ops/index.ts";
import type { Lowering } from "../lowering.ts";
import { constantLowerings } from "./constant.ts";
import { controlLowerings } from "./control.ts";
import { convLowerings } from "./conv.ts";
import { dotLowerings } from "./dot.ts";
import { elementwiseLowerings } from "./elementwise.ts";
import { gatherLowerings } from "./gather.ts";
import { linalgLowerings } from "./linalg.ts";
import { randomLowerings } from "./random.ts";
import { cumulativeLowerings } from "./cumulative.ts";
import { reduceLowerings } from "./reduce.ts";
import { shapeLowerings } from "./shape.ts";
import { sortLowerings } from "./sort.ts";
import { trigonometricLowerings } from "./trigonometric.ts";

/** Lowerings by primitive. */
export const lowerings: LoweringTable<{
  readonly [N in PrimitiveName]: Lowering<AttrsOf<N>>;
}> = {
  ...constantLowerings,
  ...elementwiseLowerings,
  ...trigonometricLowerings,
  ...dotLowerings,
  ...convLowerings,
  ...reduceLowerings,
  ...cumulativeLowerings,
  ...shapeLowerings,
  ...gatherLowerings,
  ...sortLowerings,
  ...linalgLowerings,
  ...randomLowerings,
  ...controlLowerings,
};
