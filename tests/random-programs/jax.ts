/** @file JAX in a Python process beside: programs go there as Python, results come back. */

import { spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { OcelliError } from "../../src/errors.ts";
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

/** The Python of OCELLI_PYTHON (`python3`), which needs jax; started anew where a program ends it, as some of XLA's own do. */
export function createJax(): Contender {
  const command = process.env.OCELLI_PYTHON ?? "python3";
  if (spawnSync(command, ["-c", "import jax"]).status !== 0) {
    throw new OcelliError("argument", `${command} cannot import jax.`, {
      hint: "Name a Python that can as OCELLI_PYTHON.",
    });
  }
  const script = new URL("../../scripts/random_programs.py", import.meta.url).pathname;
  let python: ReturnType<typeof start> | undefined;
  const start = () => {
    const child = spawn(command, [script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = new Promise<string>((resolve) => {
      child.on("error", ({ message }) => resolve(message));
      child.on("exit", (code, signal) => resolve(signal ?? `exit status ${code}`));
    });
    child.stdin.on("error", () => undefined); // `ended` has the reason
    return {
      child,
      ended,
      lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](),
    };
  };
  return {
    name: "jax",
    forJax: true,
    async run(plan, _program, inputs) {
      const { child, ended, lines } = (python ??= start());
      const given = inputs.map((x) => ({ dtype: x.dtype, shape: x.shape, data: bytesOf(x) }));
      child.stdin.write(`${JSON.stringify({ source: writePython(plan), inputs: given })}\n`);
      const { value, done } = await lines.next();
      if (done) {
        python = undefined;
        throw new Error(`JAX's process ended: ${await ended}`);
      }
      const { error, outputs = [] } = JSON.parse(value) as Answer;
      if (error) throw new Error(error);
      return outputs.map(({ dtype, shape, data }) => {
        const bytes = Uint8Array.from(Buffer.from(data, "base64"));
        return hostArray(shape, dtype, typedArray(dtype, bytes.buffer));
      });
    },
    async dispose() {
      python?.child.stdin.end();
      await python?.ended;
    },
  };
}
