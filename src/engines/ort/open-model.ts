/** @file ONNX models of any origin, opened to be run as they are. */

import { cpuBudget } from "../threads.ts";
import { type OnnxProgram, onnxProgram } from "./onnx-program.ts";
import type { ModelSource } from "./runtime/runtime.ts";
import { openRuntime } from "./runtime/select.ts";

/** An ONNX model in a runtime of its own. It owns memory until it is disposed. */
export interface OpenedModel extends OnnxProgram {
  dispose(): Promise<void>;
}

/** Opens an ONNX model, with as many threads as the CPU budget gives unless said. */
export async function openOnnxProgram(
  model: ModelSource,
  { threads = cpuBudget().engine }: { readonly threads?: number } = {},
): Promise<OpenedModel> {
  const runtime = await openRuntime({ threads });
  const program = await onnxProgram(runtime, model);
  return { ...program, dispose: () => runtime.close() };
}
