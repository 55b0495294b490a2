/** @file `ocelli bench gpu`: contract rows and a ViT's training step on an NVIDIA GPU, in turns with JAX on the same card. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findPlugin } from "../src/engines/xla/find-plugin.ts";
import { OcelliError } from "../src/errors.ts";
import { peersProgram } from "./python.ts";

/** What to measure. */
export interface GpuOptions {
  /** Such as `B/16`. */
  readonly variant: string;
  readonly batch: number;
  readonly pairs: number;
  /** A plugin's name; `auto` takes that of the Python package jax. */
  readonly engine: string;
}

/** One framework's line: images per second, and the share of the card's peak. */
interface Line {
  readonly what: string;
  readonly images_per_s: number;
  readonly utilisation: number;
  readonly notes?: readonly string[];
}

/** What was found. */
export interface GpuResult extends GpuOptions {
  readonly ours: Line;
  readonly jax: Line;
  /** Our images per second over JAX's, each of its best run. */
  readonly ratio: number;
  readonly [key: string]: unknown;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Runs bench/gpu/run.sh with these options. */
export async function benchGpu(options: GpuOptions): Promise<GpuResult> {
  const script = here("gpu/run.sh");
  if (!existsSync(script)) throw missing("the sources of Ocelli, of which bench/gpu is a part");
  if (spawnSync("nvidia-smi", ["-L"]).status !== 0) throw missing("an NVIDIA GPU and its driver");
  const out = await mkdtemp(join(tmpdir(), "ocelli-gpu-"));
  const { variant, batch, pairs, engine } = options;
  const python = peersProgram("python");
  const paths = [dirname(process.execPath), ...(existsSync(python) ? [dirname(python)] : [])];
  const child = spawn("bash", [script], {
    stdio: ["ignore", process.stderr, process.stderr],
    env: {
      ...process.env,
      PATH: [...paths, process.env.PATH].join(delimiter),
      ...(engine === "auto" ? {} : { PLUGIN: findPlugin(engine).library }),
      ...{ MODEL: variant, BATCH: String(batch), PAIRS: String(pairs), OUT: out },
    },
  });
  await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  return summariseGpu(options, await readFile(join(out, "bench.jsonl"), "utf8").catch(() => ""));
}

/** The best line of each, from the lines that the script left. */
export function summariseGpu(options: GpuOptions, text: string): GpuResult {
  const lines = text
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  const best = (name: string): Line => {
    const own = lines.filter(({ what }) => what.startsWith(name));
    if (own.length === 0) {
      throw new OcelliError("engine", `${name} gave no figure on the GPU; its error is above.`);
    }
    return own.reduce((a, b) => (b.images_per_s > a.images_per_s ? b : a));
  };
  const [ours, jax] = [best("ocelli"), best("jax")];
  return { ...options, ours, jax, ratio: ours.images_per_s / jax.images_per_s };
}

/** The result for people. */
export const describeGpu = ({ variant, batch, ours, jax, ratio }: GpuResult): string =>
  [
    `ViT-${variant} bfloat16, batch ${batch}: ${ratio.toFixed(2)} times JAX's images/s`,
    ...[ours, jax].map(
      ({ what, images_per_s, utilisation }) =>
        `  ${what}: ${images_per_s} images/s, ${(utilisation * 100).toFixed(1)} % of the peak`,
    ),
    ...(ours.notes ?? []).map((note) => `  ${note}`),
  ].join("\n");

const missing = (what: string): OcelliError =>
  new OcelliError("engine", `ocelli bench gpu needs ${what}.`, {
    hint: "Run it from a checkout on Linux with CUDA, with jax and its CUDA plugin for the python3 in use.",
  });
