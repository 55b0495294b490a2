/** @file ONNX models of any origin, opened to be run as they are. */

import type { HostArray } from "../../graph/dtype.ts";
import { cpuBudget } from "../threads.ts";
import type { ValueInfo } from "./runtime/runtime.ts";
import { openRuntime } from "./runtime/select.ts";

/** An ONNX model in a session. It owns memory until it is disposed. */
export interface OnnxProgram {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs the model on one array for each input; an unknown extent of an output is that of the first input's axis 0. */
  run(inputs: readonly HostArray[]): Promise<HostArray[]>;
  dispose(): Promise<void>;
}

/** Opens an ONNX model's bytes, with as many threads as the CPU budget gives unless said. */
export async function openOnnxProgram(
  bytes: Uint8Array,
  { threads = cpuBudget().engine }: { readonly threads?: number } = {},
): Promise<OnnxProgram> {
  const runtime = await openRuntime({ threads });
  const session = await runtime.createSession(bytes);
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    async run(arrays) {
      const inputs = arrays.map((array) => runtime.upload(array));
      const [batch] = arrays[0].shape;
      const outputs = session.outputs.map(({ dtype, shape }) =>
        runtime.allocate(
          dtype,
          shape.map((extent) => (extent < 0 ? batch : extent)),
        ),
      );
      try {
        await session.run(inputs, outputs);
        return await Promise.all(outputs.map((output) => output.read()));
      } finally {
        for (const buffer of [...inputs, ...outputs]) buffer.dispose();
      }
    },
    dispose: () => runtime.close(),
  };
}
