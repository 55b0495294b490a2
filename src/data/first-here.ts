/** @file Of several data sets the first that is on this machine. */

import { OcelliError } from "../errors.ts";
import type { DataConfig } from "./config.ts";
import { openDataset } from "./datasets.ts";

/** The first of several data sets that is here; the last one is taken without looking. */
export async function firstHere(data: DataConfig | readonly DataConfig[]): Promise<DataConfig> {
  if (!Array.isArray(data)) return data as DataConfig;
  const several = data as readonly DataConfig[];
  for (const one of several.slice(0, -1)) {
    try {
      await openDataset(one);
      return one;
    } catch (error) {
      if (!(error instanceof OcelliError)) throw error;
    }
  }
  return several.at(-1)!;
}
