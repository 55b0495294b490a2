/** @file What a batch of a source is like after its preprocessing. */

import type { Source } from "../../data/source.ts";
import { firstExample } from "../../data/stream/examples.ts";
import { OcelliError } from "../../errors.ts";
import { type Spec, type Tensor, trace } from "../../graph/index.ts";
import type { BatchSpec } from "../../objectives/index.ts";
import type { DeviceFeatures } from "../../preprocess/operation.ts";
import type { Preprocessing } from "../../preprocess/pipeline.ts";

/** The spec of a preprocessed batch, from the first example; images must come out as floats. */
export async function batchSpecOf(
  source: Source,
  preprocessing: Preprocessing,
  batchSize: number,
  key: string,
): Promise<BatchSpec> {
  const example = await firstExample(source, preprocessing);
  const batched = Object.entries(example).map(([name, { shape, dtype }]) => {
    return [name, { shape: [batchSize, ...shape], dtype }] as const;
  });
  const mask: Spec = { shape: [batchSize], dtype: "float32" };
  const raw = { ...Object.fromEntries(batched), mask };
  let spec: BatchSpec = {};
  trace(
    (batch: DeviceFeatures) =>
      (spec = preprocessing.onDevice(batch) as Record<string, Tensor>) as never,
    raw,
  );
  if (spec.image && spec.image.dtype !== "float32") {
    throw new OcelliError("config", `${key} must end with an operation that scales the pixels.`, {
      hint: "Such as value_range(-1,1).",
    });
  }
  return spec;
}
