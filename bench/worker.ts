/** @file Ocelli's side of a benchmark, as a process: the line protocol of bench/peers/worker.py. */

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type DeviceArray, jit } from "../src/engines/engine.ts";
import { openEngine } from "../src/engines/select.ts";
import { type Tensor, hostArray, sizeOf } from "../src/graph/index.ts";
import { type Tree, flatten, mapTree } from "../src/tree.ts";
import { makeWorkload } from "./workload.ts";

const say = (message: object): void => void process.stdout.write(`${JSON.stringify(message)}\n`);

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "vit-s16" },
    size: { type: "string", default: "224" },
    batch: { type: "string", default: "8" },
    work: { type: "string", default: "step" },
    threads: { type: "string", default: "2" },
    engine: { type: "string", default: "auto" },
  },
});
const threads = Number(values.threads);
const batch = Number(values.batch);
const engine = await openEngine(values.engine, {
  budget: { engine: threads, decode: threads },
});
const workload = makeWorkload(values.model, Number(values.size), batch);

const make = jit(
  engine,
  (key: Tensor) => ({ state: workload.init(key), image: workload.images(key) }),
  { name: "init" },
);
const made = (await make(hostArray([2], "uint32", new Uint32Array([0, 0])))) as {
  state: Tree<DeviceArray> & Record<"params" | "variables", Tree<DeviceArray>>;
  image: DeviceArray;
};
const { image } = made;
let { state } = made;
const params = flatten<DeviceArray>(state.params).leaves.reduce(
  (sum, { shape }) => sum + sizeOf(shape),
  0,
);
const label = await engine.upload(
  hostArray(
    [batch],
    "int32",
    Int32Array.from({ length: batch }, (_, i) => (i * 37) % 1000),
  ),
);

const step = jit(engine, workload.step, { donate: [0], name: "step" });
const forward = jit(
  engine,
  (params: Tree<Tensor>, variables: Tree<Tensor>, x: Tensor) =>
    workload.forward({ params: params as never, variables: variables as never }, x),
  { name: "forward" },
);

async function work(): Promise<void> {
  if (values.work === "forward") {
    const logits = (await forward(state.params, state.variables, image)) as DeviceArray;
    await logits.read();
    logits.dispose();
    return;
  }
  const result = (await step(state, { image, label })) as {
    state: typeof state;
    metrics: Record<string, DeviceArray>;
  };
  state = result.state;
  await result.metrics.loss.read();
  mapTree<DeviceArray, void>(result.metrics, (metric) => metric.dispose());
}

/** Seconds since this process began, Node's own start included. */
const sinceStart = (): number => performance.now() / 1e3;

// the first step compiles; its run ends the start-up as the peers count it: up to the dispatch
await work();
const firstRun = performance.now();
await work();
const second = performance.now();
const startup = (firstRun - (second - firstRun)) / 1e3;
say({
  ready: true,
  params,
  startup_s: Number(Math.min(startup, sinceStart()).toFixed(3)),
  versions: { node: process.version, ocelli: version() },
  how: `${engine.name}: ${engine.description}`,
});

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "stop") break;
  if (line.trim() !== "run") {
    console.error(`unknown line "${line.trim()}"; valid: run, stop`);
    process.exit(2);
  }
  const start = performance.now();
  await work();
  say({ ms: Number((performance.now() - start).toFixed(3)) });
}
say({ peak_rss_mb: peakRss() });
await engine.dispose();
process.stdin.destroy(); // a pipe that stays open would keep the process alive

function version(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

/** The high-water mark of resident memory, in MB. */
function peakRss(): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))!;
    return Math.round(Number(kilobytes) / 1024);
  } catch {
    return Math.round(process.resourceUsage().maxRSS / 1024);
  }
}
