/** @file Ocelli's own files on the disk, read in ranges, so that their size is not bounded by that of a buffer. */

import { type Checkpoint, readCheckpoint, readIfCheckpoint } from "./checkpoint.ts";
import { type StoredState, readState } from "./checkpoint-state.ts";
import { openRanges, reopenedRanges } from "../file-ranges.ts";

/** A checkpoint from its file; `what` names it in errors. */
export function readCheckpointFile(file: string, what: string): Checkpoint {
  using bytes = openRanges(file);
  return readCheckpoint(bytes, what);
}

/** The same; undefined where it is a safetensors file of something else. */
export function readIfCheckpointFile(file: string, what: string): Checkpoint | undefined {
  using bytes = openRanges(file);
  return readIfCheckpoint(bytes, what);
}

/** The state of a training from its file, which must stay there while its arrays are read. */
export const readStateFile = <Loop>(file: string): StoredState<Loop> =>
  readState<Loop>(reopenedRanges(file));
