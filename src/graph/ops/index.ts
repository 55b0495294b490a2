/** @file All primitives by name. Engines' tables are typed by this record. */

import type { Primitive } from "../tensor.ts";
import { compositePrimitives } from "./composite.ts";
import { constantPrimitives } from "./constant.ts";
import { controlPrimitives } from "./control.ts";
import { convPrimitives } from "./conv.ts";
import { dotPrimitives } from "./dot.ts";
import { elementwisePrimitives } from "./elementwise.ts";
import { gatherPrimitives } from "./gather.ts";
import { randomPrimitives } from "./random.ts";
import { reducePrimitives } from "./reduce.ts";
import { shapePrimitives } from "./shape.ts";

/** Every primitive of the language. */
export const primitives = {
  ...constantPrimitives,
  ...elementwisePrimitives,
  ...dotPrimitives,
  ...convPrimitives,
  ...reducePrimitives,
  ...shapePrimitives,
  ...gatherPrimitives,
  ...randomPrimitives,
  ...controlPrimitives,
  ...compositePrimitives,
};

/** The name of a primitive. */
export type PrimitiveName = keyof typeof primitives;

/** The static arguments of a primitive. */
export type AttrsOf<N extends PrimitiveName> =
  (typeof primitives)[N] extends Primitive<string, infer A> ? A : never;
