/** @file ONNX models of any origin, in a session of a runtime that is open. */

import type { HostArray } from "../../graph/dtype.ts";
import type { ModelSource, Runtime, ValueInfo } from "./runtime/runtime.ts";

/** An ONNX model in a session. */
export interface OnnxProgram {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs the model on one array for each input; an unknown extent of an output is that of the first input's axis 0. */
  run(inputs: readonly HostArray[]): Promise<HostArray[]>;
}

/** An ONNX model in a session of `runtime`, which owns it; ONNX Runtime may optimise all it can. */
export async function onnxProgram(runtime: Runtime, model: ModelSource): Promise<OnnxProgram> {
  const session = await runtime.createSession(model);
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
  };
}
