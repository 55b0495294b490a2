/**
 * @file The stack on which koffi runs native code: large enough for compilers and kernels. Whoever loads a library asks
 * for it first, as it cannot be changed later.
 */

import koffi from "koffi";
import { OcelliError } from "./errors.ts";

const STACK_BYTES = 8 << 20;

/**
 * Gives native calls stacks of 8 MiB instead of koffi's 1 MiB, and 128 kiB on worker threads. It must come before the
 * first library is loaded; an error where another one was loaded with small stacks.
 */
export function useLargeStacks(): void {
  const stack = koffi.config().async_stack_size ?? 0;
  if (stack >= STACK_BYTES) return;
  try {
    koffi.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  } catch (cause) {
    throw new OcelliError(
      "engine",
      `koffi has loaded another library before, with stacks of only ${stack} bytes.`,
      { hint: "Create the engine first.", cause },
    );
  }
}
