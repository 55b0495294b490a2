/** @file The operations of the preprocessing language, by name. */

import { findDefinition } from "../define.ts";
import { type OperationDefinition, defineOperation } from "./operation.ts";
import { augment } from "./operations/augment.ts";
import { geometry } from "./operations/geometry.ts";
import { labels } from "./operations/labels.ts";
import { sequence } from "./operations/sequence.ts";
import { texts } from "./operations/texts.ts";
import { values } from "./operations/values.ts";

/** The operations that a text may call. */
export const OPERATIONS: OperationDefinition[] = [
  geometry,
  augment,
  values,
  sequence,
  texts,
  labels,
].flatMap((kinds) =>
  Object.entries(kinds).map(([name, kind]) => defineOperation({ name, ...kind })),
);

/** The definition of an operation, with the nearest names where there is none. */
export const operationDefinition = (name: string): OperationDefinition =>
  findDefinition("preprocessing operation", OPERATIONS, name);
