/** @file Errors in preprocessing texts. */

import { OcelliError } from "../errors.ts";

/** An error in a preprocessing text. */
export const preprocessingError = (problem: string): OcelliError =>
  new OcelliError("config", `preprocessing: ${problem}`);
