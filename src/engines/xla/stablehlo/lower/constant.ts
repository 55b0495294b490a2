/** @file Constants in StableHLO. */

import type { AttrsOf } from "../../../../graph/ops/index.ts";
import type { Lowering } from "../lowering.ts";
import { i64 } from "../text.ts";

const constant: Lowering<AttrsOf<"constant">> = ({ b, attrs: { value } }) => [b.constant(value)];

const iota: Lowering<AttrsOf<"iota">> = ({ b, outputs: [out], attrs: { axis } }) => [
  b.one("iota", [], out, { iota_dimension: i64(axis) }),
];

export const constantLowerings = { constant, iota };
