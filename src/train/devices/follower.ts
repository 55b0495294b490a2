/** @file The run folder as a process sees it that computes along with the one that writes. */

import { join } from "node:path";
import { CheckpointStore } from "../../runs/checkpoints.ts";
import type { Run } from "../../runs/run.ts";

/** What a training does to its run folder. */
export type RunFolder = Pick<
  Run,
  | "folder"
  | "path"
  | "writeJson"
  | "writeTokenizer"
  | "readJson"
  | "writeCheckpoint"
  | "writePictures"
  | "log"
  | "flush"
  | "rewind"
  | "close"
> & { readonly checkpoints: Pick<CheckpointStore, "steps" | "write" | "newest" | "clean"> };

const nothing = (): Promise<void> => Promise.resolve();

/** A run folder that another process writes: checkpoints are read from it, and all else is left to that one. */
export function witnessRun(folder: string): RunFolder {
  const store = new CheckpointStore(join(folder, "checkpoints"));
  return {
    folder,
    path: (file) => join(folder, file),
    writeJson: nothing,
    writeTokenizer: nothing,
    readJson: () => Promise.resolve(undefined),
    writeCheckpoint: nothing,
    writePictures: nothing,
    log: () => undefined,
    flush: () => ({ metrics: 0, events: 0 }),
    rewind: () => undefined,
    close: () => undefined,
    checkpoints: {
      steps: () => Promise.resolve([]),
      write: nothing,
      clean: nothing,
      newest: (parse) => store.newest(parse),
    },
  };
}
