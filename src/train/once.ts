/** @file One training of many, in a folder of its own: begun, resumed, or read where it has ended. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ConfigInput } from "../config/config.ts";
import { readOwn } from "../files.ts";
import { type RunOptions, type TrainResult, resume, train } from "./train.ts";

/**
 * What a training in a folder comes to: its result where it has ended, the rest of it where it was stopped, all of it where the
 * folder holds none. Whether the folder holds this configuration is the caller's to know.
 *
 * @throws what {@link train} and {@link resume} throw
 */
export async function trainOnce(
  folder: string,
  config: ConfigInput,
  options: RunOptions = {},
): Promise<TrainResult> {
  const before = await endedResult(folder);
  if (before) return before;
  if (existsSync(join(folder, "config.json"))) return resume(folder, options);
  return train(config, { ...options, workdir: folder });
}

/** The result of a training that has ended; undefined where there is none, or it was stopped. */
export async function endedResult(folder: string): Promise<TrainResult | undefined> {
  const text = await readOwn(join(folder, "result.json")).then(String, () => undefined);
  const result = text === undefined ? undefined : (JSON.parse(text) as TrainResult);
  return result?.interrupted ? undefined : result;
}
