/** @file Executing a program again and again leaves memory where it was: in a process of its own, garbage collected. */

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { installedPlugins } from "../../src/engines/xla/plugins.ts";

const installed = installedPlugins().includes("xla-cpu");
const long = process.env.OCELLI_LONG === "1";

/** Executions before the first figure: pools and the stacks of threads grow until then. */
const WARM_UP = long ? 300_000 : 30_000;
const EVERY = long ? 100_000 : 10_000;
const FIGURES = 6;
const MOST_MB = 4;
/** On a busy machine V8's young generation doubles, and every thread gets a heap of its own: both would hide a leak. */
const FLAGS = ["--expose-gc", "--max-semi-space-size=4"];
const ENVIRONMENT = { ...process.env, MALLOC_ARENA_MAX: "1" };

const path = (file: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)));

/** Donates a state to itself; prints resident megabytes, one number a line. */
const SCRIPT = `
  import { createXlaEngine } from ${path("engines/xla/index.ts")};
  import { add, hostArray, trace } from ${path("graph/index.ts")};
  const engine = createXlaEngine({ plugin: "xla-cpu", threads: 2 });
  const spec = { shape: [4], dtype: "float32" };
  const { program } = trace((x, y) => add(x, y), spec, spec);
  const executable = await engine.compile(program, { donate: [0] });
  const upload = () => engine.upload(hostArray([4], "float32", new Float32Array(4).fill(1)));
  const y = await upload();
  let x = await upload();
  const run = async (times) => {
    for (let i = 0; i < times; i++) [x] = await executable.run([x, y]);
    gc();
    gc();
    console.log(process.memoryUsage().rss / 2 ** 20);
  };
  await run(${WARM_UP});
  for (let i = 1; i < ${FIGURES}; i++) await run(${EVERY});
  console.log((await x.read()).data[0]);
  await engine.dispose();`;

it.skipIf(!installed)(
  `${(FIGURES - 1) * EVERY} executions leave memory where it was`,
  { timeout: long ? 600_000 : 60_000 },
  () => {
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [...FLAGS, "--input-type=module", "--eval", SCRIPT],
      { encoding: "utf8", env: ENVIRONMENT },
    );
    expect(status, stderr).toBe(0);
    const figures = stdout.trim().split("\n").map(Number);
    expect(figures.pop()).toBe(1 + WARM_UP + (FIGURES - 1) * EVERY);
    expect(figures).toHaveLength(FIGURES);
    const shown = figures.map((mb) => mb.toFixed(1)).join(", ");
    if (long) console.log(`resident MB after each ${EVERY} executions: ${shown}`);
    expect(Math.max(...figures) - figures[0], shown).toBeLessThan(MOST_MB);
  },
);
