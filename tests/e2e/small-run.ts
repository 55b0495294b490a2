/** @file A training of a few seconds at most on a small set of digits, in a process of its own. */

import { spawn } from "node:child_process";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { openMnist } from "../../src/data/classification/mnist.ts";
import { writeNpz } from "../../src/formats/npz.ts";
import { fromNumbers, toNumbers } from "../../src/graph/index.ts";
import { seededRandom } from "../../src/random.ts";
import type { LoopState } from "../../src/train/resume/loop-state.ts";
import { readStateFile } from "../../src/weights/checkpoint-file.ts";

const PROGRAM = join(import.meta.dirname, "../../bin/ocelli.js");

/** Writes `count` digits as `train.npz` and the next 40 as `test.npz`. */
export async function writeDigits(dir: string, count = 150): Promise<void> {
  const source = await (await openMnist()).open("train");
  for (const [split, begin, end] of [
    ["train", 0, count],
    ["test", count, count + 40],
  ] as const) {
    const pixels = new Uint8Array((end - begin) * 28 * 28);
    const labels: number[] = [];
    for (let i = begin; i < end; i++) {
      const { image, label } = await source.read(i);
      pixels.set(image.data as Uint8Array, (i - begin) * 28 * 28);
      labels.push(...toNumbers(label));
    }
    const images = { shape: [end - begin, 28, 28], dtype: "uint8", data: pixels } as const;
    const arrays = { images, labels: fromNumbers(labels, [end - begin], "uint8") };
    await writeFile(join(dir, `${split}.npz`), writeNpz(arrays));
  }
}

/** Writes pictures of 8 × 8, so many of each split in each of the folders `dark` and `light`. */
export async function writeShades(dir: string, counts: Readonly<Record<string, number>>) {
  for (const [label, background] of [
    ["dark", "#202020"],
    ["light", "#e0e0e0"],
  ] as const) {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    for (const [split, count] of Object.entries(counts)) {
      await mkdir(join(dir, split, label), { recursive: true });
      for (let i = 0; i < count; i++)
        await picture.png().toFile(join(dir, split, label, `${i}.png`));
    }
  }
}

/** Writes noisy pictures of 32 × 32, reddish and greenish, so many of each split in each of the folders `red` and `green`. */
export async function writeColours(dir: string, counts: Readonly<Record<string, number>>) {
  const [side, channels] = [32, 3] as const;
  const random = seededRandom("colours");
  for (const [k, name] of ["red", "green"].entries()) {
    for (const [split, count] of Object.entries(counts)) {
      const folder = join(dir, split, name);
      await mkdir(folder, { recursive: true });
      for (let i = 0; i < count; i++) {
        const pixels = Uint8Array.from(
          { length: side * side * channels },
          (_, j) => random.integer(0, 128) + (j % channels === k ? 127 : 0),
        );
        const raw = { width: side, height: side, channels };
        await sharp(pixels, { raw })
          .png()
          .toFile(join(folder, `${i}.png`));
      }
    }
  }
}

/** A configuration over such digits: everything that a resumed run has to keep is in it. */
export const smallConfig = (dir: string, steps: number, more: object = {}): object => ({
  name: "small",
  seed: 3,
  data: { name: "npz", dir, classes: Array.from({ length: 10 }, (_, i) => String(i)) },
  preprocess: {
    train: "random_shift(2)|value_range(-1,1)",
    eval: "resize(28)|grayscale|value_range(-1,1)",
  },
  batchSize: 16,
  duration: { steps },
  model: {
    name: "vit",
    patchSize: [7, 7],
    width: 32,
    depth: 2,
    mlpDim: 64,
    numHeads: 2,
    dropout: 0.1,
  },
  objective: { name: "classification", mixup: { p: 0.2 } },
  optimizer: { name: "adamw", lr: 2e-3, averageDecay: 0.9, muDtype: "bfloat16" },
  evals: { test: { split: "test", every: { steps: 25 } } },
  log: { steps: 7 },
  checkpoint: { every: { steps: 10 }, keep: 2, keepEvery: { steps: 20 } },
  ...more,
});

/** A run's states by file, without the lengths of logs, in which digits of timings count. */
export async function statesOf(run: string): Promise<Record<string, unknown>> {
  const names = (await readdir(join(run, "checkpoints"))).sort();
  const entries = names.map(async (name) => {
    const { arrays, loop } = readStateFile<LoopState>(join(run, "checkpoints", name));
    const read = Object.entries(arrays).map(async ([key, array]) => [key, await array.read()]);
    const values = Object.fromEntries(await Promise.all(read)) as object;
    return [name, { arrays: values, loop: { ...loop, logs: undefined } }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/** A process of the program. */
export interface Process {
  readonly pid: number | undefined;
  /** All that it has printed so far, standard output and standard error together. */
  readonly text: () => string;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** Starts `ocelli ARGS…`; with `shell`, through these shell commands before it. */
export const startCli = (args: readonly string[], shell?: string): Process =>
  startNode([PROGRAM, ...args], shell);

/** Starts a program by this Node; with `shell`, through these shell commands before it. */
export function startNode(args: readonly string[], shell?: string): Process {
  const command = shell
    ? ["bash", "-c", `${shell}; exec "$@"`, "bash", process.execPath, ...args]
    : [process.execPath, ...args];
  const child = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += String(chunk)));
  child.stderr.on("data", (chunk: Buffer) => (text += String(chunk)));
  return {
    pid: child.pid,
    text: () => text,
    kill: (signal) => child.kill(signal),
    ended: new Promise((resolve) => child.on("close", resolve)),
  };
}

/** The lines of a run's metrics, without what depends on the clock. */
export async function metricsOf(run: string): Promise<object[]> {
  const lines = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
  return lines.map((line) => {
    const {
      imagesPerSecond: _,
      dataWait: __,
      ...rest
    } = JSON.parse(line) as Record<string, number>;
    return rest;
  });
}
