/** @file Element types by their numbers in PJRT. */

import type { DType } from "../../../graph/dtype.ts";

/** PJRT_Buffer_Type. */
export const PJRT_TYPES: Readonly<Record<DType, number>> = {
  bool: 1,
  int32: 4,
  int64: 5,
  uint8: 6,
  uint32: 8,
  float16: 10,
  float32: 11,
  float64: 12,
  bfloat16: 13,
};
