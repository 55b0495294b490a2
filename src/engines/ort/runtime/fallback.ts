/** @file ONNX Runtime through `onnxruntime-node`'s own API, where the C table's version or the platform is not known. */

import { OcelliError } from "../../../errors.ts";
import { JsRuntime } from "./js-runtime.ts";
import type { OrtModule } from "./js-api.ts";

/**
 * Opens `onnxruntime-node`. Its runs block the event loop and copy every output, a tenth of a second per training step
 * of a small ViT: prefer `createNativeRuntime`.
 */
export async function createNodeRuntime({
  threads,
  because,
}: {
  threads: number;
  /** Why the C API is not used; said in the name. */
  because?: string;
}): Promise<JsRuntime> {
  let ort: OrtModule;
  try {
    ort = await import("onnxruntime-node");
  } catch (cause) {
    throw new OcelliError(
      "engine",
      "onnxruntime-node is not installed, or cannot be loaded on this platform.",
      {
        hint: "Install it: npm install onnxruntime-node.",
        cause,
      },
    );
  }
  const name = `ONNX Runtime ${ort.env.versions.node ?? "?"}, onnxruntime-node API${because ? ` (${because})` : ""}`;
  return new JsRuntime({ ort, kind: "node", name, threads, provider: "cpu" });
}
