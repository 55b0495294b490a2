/** @file How many channels ONNX Runtime's convolutions in blocks take together on this processor: asked of itself. */

import { encodeModel } from "../../formats/onnx-encode.ts";
import { BLOCKED } from "./lower/images/planes.ts";
import type { Dense } from "./lower/view.ts";
import { modelOf } from "./model.ts";
import type { Runtime, RuntimeSession } from "./runtime/runtime.ts";

/** A block divides this many channels wherever there are blocks. */
const CHANNELS = 64;

/** The channels of a block; 0 where there are none. Builds for other processors than x64 need not have blocks. */
export async function channelBlock(runtime: Runtime): Promise<number> {
  const { process } = globalThis as { process?: { arch?: string } };
  if (runtime.kind === "web" || runtime.gpu || process?.arch !== "x64") return 0;
  const session = await openReorder(runtime).catch(() => undefined); // a build without these operators
  if (!session) return 0;
  const shape = [1, CHANNELS, 1, 2];
  const data = Float32Array.from({ length: 2 * CHANNELS }, (_, i) => i);
  const input = runtime.upload({ shape, dtype: "float32", data });
  const output = runtime.allocate("float32", shape);
  try {
    await session.run([input], [output]);
    const reordered = (await output.read()).data as Float32Array;
    return reordered.indexOf(1); // the first channel's second element comes behind the first block
  } finally {
    input.dispose();
    output.dispose();
    await session.dispose();
  }
}

/** A session that puts channels of two elements each into blocks. */
function openReorder(runtime: Runtime): Promise<RuntimeSession> {
  const x: Dense = { name: "x", shape: [1, CHANNELS, 1, 2], dtype: "float32" };
  const graph = {
    name: "blocks",
    nodes: [{ opType: "ReorderInput", domain: BLOCKED, inputs: ["x"], outputs: ["y"] }],
    inputs: [x],
    outputs: [{ ...x, name: "y" }],
    initializers: {},
  };
  return runtime.createSession(encodeModel(modelOf(graph)).model);
}
