/** @file Plain gradient descent. */

import { z } from "zod";
import { defineOptimizer } from "./define.ts";
import { sgd } from "./transform.ts";

/** Gradient descent in a configuration. */
export const sgdOptimizer = defineOptimizer({
  name: "sgd",
  schema: z.strictObject({}),
  create: () => sgd(),
});
