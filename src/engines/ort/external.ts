/** @file Models whose constants do not fit into one file, on disk while ONNX Runtime opens them. */

import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EncodedOnnx, externalChunks } from "../../formats/onnx-encode.ts";
import type { ModelSource } from "./runtime/runtime.ts";

/** Writes a model and its external data to a temporary folder for as long as `use` runs. */
export async function withFiles<T>(
  { model, external }: EncodedOnnx,
  use: (model: ModelSource) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ocelli-"));
  try {
    const path = join(folder, "model.onnx");
    await writeFile(path, model);
    if (external) {
      const file = await open(join(folder, external.location), "w");
      try {
        for (const chunk of externalChunks(external)) await file.writeFile(chunk);
      } finally {
        await file.close();
      }
    }
    return await use({ path });
  } finally {
    await rm(folder, { recursive: true });
  }
}
