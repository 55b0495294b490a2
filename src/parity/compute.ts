/** @file Running a function of named arrays on an engine. */

import { type DeviceArray, type Engine, jit } from "../engines/engine.ts";
import type { Tensor } from "../graph/index.ts";
import { toFlat } from "../tree.ts";
import type { Arrays } from "./case.ts";

/** A function of tensors by name, as a program is written. */
export type NamedFunction = (
  ...args: readonly Readonly<Record<string, Tensor>>[]
) => Readonly<Record<string, Tensor>>;

/** A function of named tensors as one of named arrays, compiled at its first call. */
export function compileNamed(
  engine: Engine,
  fn: NamedFunction,
): (...args: readonly Arrays[]) => Promise<Arrays> {
  const run = jit(engine, fn, { name: "parity" });
  return async (...args) => {
    const results = toFlat<DeviceArray>(await run(...args));
    const arrays = await Promise.all(
      Object.entries(results).map(async ([name, result]) => {
        const array = await result.read();
        result.dispose();
        return [name, array] as const;
      }),
    );
    return Object.fromEntries(arrays);
  };
}
