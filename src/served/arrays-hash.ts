/** @file What a model is, as one hash: of its description, and of all its arrays by name. */

import { createHash } from "node:crypto";
import { bytesOf } from "../formats/bytes.ts";
import type { HostArray } from "../graph/index.ts";
import { type Tree, toFlat } from "../tree.ts";

/** The SHA-256, in hexadecimal, of a description as JSON and of arrays with their names and shapes. */
export function hashArrays(description: object, arrays: Tree<HostArray>): string {
  const hash = createHash("sha256").update(JSON.stringify(description));
  for (const [name, array] of Object.entries(toFlat<HostArray>(arrays))) {
    hash.update(`\0${name}[${array.shape.join()}]`).update(bytesOf(array));
  }
  return hash.digest("hex");
}
