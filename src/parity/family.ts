/** @file What a family of cases is. */

import type { Engine } from "../engines/engine.ts";
import type { Case } from "./case.ts";
import type { Computed } from "./compare.ts";

/** How the cases of one family are computed again, from case.json and the arrays' names alone. */
export interface Family {
  readonly name: string;
  /** The `model` of case.json, by which a case is recognised that does not name its family. */
  readonly model: RegExp;
  compute(given: Case, engine: Engine): Promise<Computed>;
}
