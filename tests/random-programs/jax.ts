/** @file JAX in a Python process beside: programs go there as Python, results come back. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import {
  type DType,
  type HostArray,
  type Shape,
  hostArray,
  typedArray,
} from "../../src/graph/index.ts";
import type { Contender } from "./contenders.ts";
import { writePython } from "./python.ts";

interface Answer {
  readonly error?: string;
  readonly outputs?: readonly {
    readonly dtype: DType;
    readonly shape: Shape;
    readonly data: string;
  }[];
}

const bytesOf = ({ data }: HostArray): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

/** Starts the Python of OCELLI_PYTHON (`python3`), which needs jax. */
export function createJax(): Contender {
  const script = new URL("../../scripts/random_programs.py", import.meta.url).pathname;
  const child = spawn(process.env.OCELLI_PYTHON ?? "python3", [script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    name: "jax",
    forJax: true,
    async run(plan, _program, inputs) {
      const given = inputs.map((x) => ({ dtype: x.dtype, shape: x.shape, data: bytesOf(x) }));
      child.stdin.write(`${JSON.stringify({ source: writePython(plan), inputs: given })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error("JAX's process has ended.");
      const { error, outputs = [] } = JSON.parse(value) as Answer;
      if (error) throw new Error(error);
      return outputs.map(({ dtype, shape, data }) => {
        const bytes = Uint8Array.from(Buffer.from(data, "base64"));
        return hostArray(shape, dtype, typedArray(dtype, bytes.buffer));
      });
    },
    dispose() {
      child.stdin.end();
      return new Promise((resolve) => child.on("exit", () => resolve()));
    },
  };
}
