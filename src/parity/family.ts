/** @file What a family of cases is. */

import type { Engine } from "../engines/engine.ts";
import type { HostArray } from "../graph/index.ts";
import type { Case } from "./case.ts";
import type { Computed } from "./compare.ts";

/** Decodes the bytes of an image file to uint8 [height, width, 3]. */
export type DecodeImage = (bytes: Uint8Array) => Promise<HostArray>;

/** How the cases of one family are computed again, from case.json and the arrays' names alone. */
export interface Family {
  readonly name: string;
  /** The `model` of case.json, by which a case is recognised that does not name its family. */
  readonly model: RegExp;
  /** `decode` is needed by cases that hold image files. */
  compute(given: Case, engine: Engine, decode?: DecodeImage): Promise<Computed>;
}
