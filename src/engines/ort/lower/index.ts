/** @file The one lowering table of the ort engine: a primitive without an entry does not compile. */

import type { PrimitiveName } from "../../../graph/ops/index.ts";
import { compositeLowerings } from "./composites.ts";
import type { Lowerings } from "./context.ts";
import { controlLowerings } from "./control.ts";
import { convLowerings } from "./conv.ts";
import { cumulativeLowerings } from "./cumulative.ts";
import { dotLowerings } from "./dot.ts";
import { dynamicLowerings } from "./dynamic.ts";
import { elementwiseLowerings } from "./elementwise.ts";
import { gatherLowerings } from "./gather.ts";
import { sourceLowerings } from "./random.ts";
import { reduceLowerings } from "./reduce.ts";
import { shapeLowerings } from "./shape.ts";
import { sortLowerings } from "./sort.ts";
import { windowLowerings } from "./window.ts";

/** Every primitive's lowering to ONNX. */
export const lowerings: Lowerings<PrimitiveName> = {
  ...sourceLowerings,
  ...elementwiseLowerings,
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
