/** @file Where the checkpoint of a run lies. */

import { existsSync, lstatSync, statSync } from "node:fs";
import { join } from "node:path";
import { OcelliError } from "../errors.ts";
import { RUN_FILES } from "./run.ts";

/** The checkpoint's file, of a run folder or of the path of a checkpoint; undefined where there is none. */
export function findCheckpoint(path: string): string | undefined {
  const file = checkpointAt(path);
  if (!existsSync(file)) return undefined;
  if (file !== path && lstatSync(file).isSymbolicLink()) {
    throw new OcelliError("data", `${file} is a link, which is not followed in a run folder.`, {
      hint: "Give the file that it leads to.",
    });
  }
  return file;
}

function checkpointAt(path: string): string {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  return path.endsWith(".safetensors") && !isFolder ? path : join(path, RUN_FILES.checkpoint);
}

/** The same; an error where there is none. */
export function runCheckpoint(path: string): string {
  const found = findCheckpoint(path);
  if (found !== undefined) return found;
  const hint = existsSync(path)
    ? "A run has none before it has saved its first state."
    : "Give the folder that ocelli train printed, or a .safetensors file.";
  throw new OcelliError("data", `there is no checkpoint at ${checkpointAt(path)}.`, { hint });
}
