/** @file The large weights of an ONNX model stored as half floats, which become float32 when the model is loaded. */

import { OcelliError } from "../../errors.ts";
import { ONNX_DTYPES, type OnnxGraph, type OnnxNode } from "../../formats/onnx.ts";
import { type HostArray, toFloat16Bits } from "../../graph/dtype.ts";

/** The largest float16. */
const LARGEST = 65_504;

/**
 * A graph whose matrices and kernels are stored as float16, each behind a `Cast` to float32 under its own name. Vectors,
 * such as biases and scales, weigh little and stay as they are.
 *
 * @throws an "unsupported" error where a value is beyond float16
 */
export function withHalfWeights(graph: OnnxGraph): OnnxGraph {
  const casts: OnnxNode[] = [];
  const stored = Object.entries(graph.initializers ?? {}).map(([name, array]) => {
    if (array.dtype !== "float32" || array.shape.length < 2) return [name, array] as const;
    const half = `${name}:float16`;
    const attributes = { to: { i: ONNX_DTYPES.float32 } };
    casts.push({ opType: "Cast", inputs: [half], outputs: [name], attributes });
    return [half, halved(name, array)] as const;
  });
  return {
    ...graph,
    nodes: [...casts, ...graph.nodes],
    initializers: Object.fromEntries(stored),
  };
}

function halved(name: string, { shape, data }: HostArray): HostArray {
  const values = data as Float32Array;
  if (values.some((value) => Math.abs(value) > LARGEST)) {
    throw new OcelliError("unsupported", `${name} has values beyond float16's ${LARGEST}.`, {
      hint: "Export with float32 weights.",
    });
  }
  return { shape, dtype: "float16", data: Uint16Array.from(values, toFloat16Bits) };
}
