/**
 * @file Every operation that random programs are made of. A new primitive gets one entry in the file of its kind; the
 * test of coverage names those that have none.
 */

import type { Operations } from "../plan.ts";
import { composites } from "./composites.ts";
import { elementwise } from "./elementwise.ts";
import { indices } from "./indices.ts";
import { products } from "./products.ts";
import { reductions } from "./reductions.ts";
import { shapes } from "./shapes.ts";
import { transforms } from "./transforms.ts";

/** How often each kind of operation is drawn, and its operations by name. */
export const KINDS: readonly (readonly [weight: number, Operations])[] = [
  [26, elementwise],
  [18, shapes],
  [14, reductions],
  [9, products],
  [11, indices],
  [6, composites],
  [16, transforms],
];

/** All operations by name. */
export const operations: Operations = Object.assign(
  {},
  ...KINDS.map(([, table]) => table),
) as Operations;
