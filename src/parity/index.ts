/** @file Parity with other implementations: recorded cases, computed again and compared. */

export { type Arrays, type Case, type CaseFiles, type JsonObject, makeCase } from "./case.ts";
export { type Comparison, compareArray, compareCase } from "./compare.ts";
export { familyOf } from "./families/index.ts";
export type { DecodeImage } from "./family.ts";
