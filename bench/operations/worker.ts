/** @file Ocelli's side of `ocelli bench operations`, as a process: the line protocol of bench/peers/operations.py. */

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type DeviceArray, type Engine, jit } from "../../src/engines/engine.ts";
import { openEngine } from "../../src/engines/select.ts";
import { trace } from "../../src/graph/index.ts";
import {
  OPERATIONS,
  type Operation,
  type Sums,
  drawArray,
  drawIndices,
  programOf,
} from "./table.ts";

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "auto" },
    threads: { type: "string", default: "2" },
  },
});
const threads = Number(values.threads);
const engine = await openEngine(values.engine, { budget: { engine: threads, decode: threads } });

/** Compiles an operation; gives the sums of its results, and what runs it once more. */
async function prepare(on: Engine, operation: Operation) {
  const { operands, indices } = operation;
  const inputs = [...operands.map(drawArray), ...(indices ? [drawIndices(indices)] : [])];
  const [result] = trace(operation.apply, ...inputs).program.outputs;
  const given = await Promise.all([drawArray(result.shape), ...inputs].map((x) => on.upload(x)));
  const compiled = jit(on, programOf(operation), { name: "operation" });
  const call = () => compiled(...(given as never[])) as Promise<DeviceArray[]>;
  const first = await call();
  const sums: Sums[] = [];
  for (const array of first.slice(0, -1)) {
    const data = Array.from((await array.read()).data, Number);
    sums.push({
      sum: data.reduce((sum, x) => sum + x, 0),
      size: data.reduce((sum, x) => sum + Math.abs(x), 0),
    });
  }
  for (const array of first) array.dispose();
  return {
    sums,
    async run() {
      const results = await call();
      await results[results.length - 1].read();
      for (const array of results) array.dispose();
    },
    dispose: () => given.forEach((array) => array.dispose()),
  };
}

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);
let ready: Awaited<ReturnType<typeof prepare>> | undefined;
say({ how: `${engine.name}: ${engine.description}` });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "stop") break;
  if (line === "run") {
    const start = performance.now();
    await ready!.run();
    say({ ms: performance.now() - start });
  } else {
    ready?.dispose();
    ready = await prepare(engine, OPERATIONS[line]);
    await ready.run();
    say({ sums: ready.sums });
  }
}
await engine.dispose();
process.stdin.destroy();
