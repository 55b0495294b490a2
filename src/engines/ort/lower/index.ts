/** @file The one lowering table of the ort engine: a primitive without an entry and without a decomposition does not compile. */

import type { LoweringTable, PrimitiveName } from "../../../graph/ops/index.ts";
import { compositeLowerings } from "./ops/composites.ts";
import type { Lowerings } from "./context.ts";
import { controlLowerings } from "./ops/control.ts";
import { convLowerings } from "./images/conv.ts";
import { cumulativeLowerings } from "./ops/cumulative.ts";
import { dotLowerings } from "./ops/dot.ts";
import { dynamicLowerings } from "./ops/dynamic.ts";
import { elementwiseLowerings } from "./ops/elementwise.ts";
import { gatherLowerings } from "./ops/gather.ts";
import { sourceLowerings } from "./ops/random.ts";
import { reduceLowerings } from "./ops/reduce.ts";
import { shapeLowerings } from "./ops/shape.ts";
import { sortLowerings } from "./ops/sort.ts";
import { trigonometricLowerings } from "./ops/trigonometric.ts";
import { windowLowerings } from "./images/window.ts";

/** Every primitive's lowering to ONNX; one that is missing has a decomposition. */
export const lowerings: LoweringTable<Lowerings<PrimitiveName>> = {
  ...sourceLowerings,
  ...elementwiseLowerings,
  ...trigonometricLowerings,
  ...dotLowerings,
  ...convLowerings,
  ...windowLowerings,
  ...reduceLowerings,
  ...cumulativeLowerings,
  ...shapeLowerings,
  ...gatherLowerings,
  ...dynamicLowerings,
  ...sortLowerings,
  ...controlLowerings,
  ...compositeLowerings,
};
