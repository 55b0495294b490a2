/** @file Examples stacked into a batch. */

import { OcelliError } from "../errors.ts";
import { bytesOf } from "../formats/bytes.ts";
import { type HostArray, sizeOf, typedArray } from "../graph/dtype.ts";
import type { Features } from "./example.ts";

/** The shapes and dtypes of an example. */
export type Like = Readonly<Record<string, Pick<HostArray, "shape" | "dtype">>>;

/**
 * Examples stacked to `batchSize`, the missing ones zeros, with `mask` [batchSize], float32, saying which are real.
 * All examples must agree in their arrays' shapes and dtypes, those of `like`.
 */
export function collate(
  examples: readonly (Features | undefined)[],
  batchSize: number,
  like: Like = examples[0]!,
): Features {
  const mask = Float32Array.from({ length: batchSize }, (_, i) => (examples[i] ? 1 : 0));
  const stacked = Object.entries(like).map(([name, { shape, dtype }]) => {
    const data = typedArray(dtype, batchSize * sizeOf(shape));
    const bytes = new Uint8Array(data.buffer);
    examples.forEach((example, i) => {
      if (!example) return;
      const array = example[name];
      if (array?.dtype !== dtype || String(array.shape) !== String(shape)) {
        const show = (given: Like[string] | undefined) =>
          `${given?.dtype}[${given?.shape.join(",")}]`;
        throw new OcelliError(
          "data",
          `a batch needs equal shapes, but "${name}" is ${show({ shape, dtype })} and ${show(array)}.`,
          { hint: "Add an operation such as resize(28) to the preprocessing." },
        );
      }
      bytes.set(bytesOf(array), (i * data.byteLength) / batchSize);
    });
    return [name, { shape: [batchSize, ...shape], dtype, data }];
  });
  return {
    ...Object.fromEntries(stacked),
    mask: { shape: [batchSize], dtype: "float32", data: mask },
  } as Features;
}
