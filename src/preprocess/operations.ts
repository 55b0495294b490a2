/** @file The operations of the preprocessing language, by name. */

import type { OperationKind } from "./operation.ts";
import { augment } from "./operations/augment.ts";
import { geometry } from "./operations/geometry.ts";
import { labels } from "./operations/labels.ts";
import { values } from "./operations/values.ts";

/** Every operation. */
export const operations: Readonly<Record<string, OperationKind>> = {
  ...geometry,
  ...augment,
  ...values,
  ...labels,
};
