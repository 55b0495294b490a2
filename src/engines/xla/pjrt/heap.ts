/** @file Giving memory that was freed back to the system. */

import koffi from "koffi";
import { useLargeStacks } from "../../../native-stack.ts";

/** The allocators' own functions for this, with their arguments: that of the one that is loaded, else the C library's. */
const RELEASERS: readonly (readonly [prototype: string, ...args: unknown[]])[] = [
  ["int scalable_allocation_command(int command, void *unused)", 0, null], // oneTBB: clean all buffers
  ["void MallocExtension_ReleaseFreeMemory()"], // tcmalloc
  ["int malloc_trim(size_t pad)", 0],
];

let release: (() => unknown) | undefined;

/** The first of the functions that the process has; one that does nothing where it has none. */
function findReleaser(): () => unknown {
  if (process.platform !== "linux") return () => undefined;
  useLargeStacks();
  const library = koffi.load(null);
  for (const [prototype, ...args] of RELEASERS) {
    try {
      const call = library.func(prototype);
      return () => call(...args) as unknown;
    } catch {
      // this allocator is not there
    }
  }
  return () => undefined;
}

/** Gives pages that hold nothing any more back to the system: a compiler leaves several hundred MB of them. */
export function releaseFreed(): void {
  release ??= findReleaser();
  release();
}
