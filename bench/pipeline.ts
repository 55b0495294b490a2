/** @file `ocelli bench pipeline`: JPEG to a normalised crop, beside Pillow and NumPy, in processor time of one thread each. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { prepareExample } from "../src/data/stream/examples.ts";
import { OcelliError } from "../src/errors.ts";
import { parsePreprocessing } from "../src/preprocess/pipeline.ts";
import { randomBox } from "../src/preprocess/operations/geometry.ts";
import { seededRandom } from "../src/random.ts";
import { giveBack } from "../src/preprocess/spare.ts";
import { pythonOf } from "./python.ts";

/** Crops of one turn. */
const CROPS = 120;
const SIZE = 224;
const BOUNDS = { area: [5, 100], ratio: [3 / 4, 4 / 3] } as const;

/** What the benchmark of the pipeline found; images a second of processor time, the most of all turns. */
export interface PipelineResult {
  readonly kind: "pipeline";
  /** Longer side of the photographs, in pixels. */
  readonly side: number;
  readonly ocelli: number;
  readonly fast: number;
  readonly pillow: number;
  /** Ours over Pillow's. */
  readonly ratio: number;
  readonly fastRatio: number;
  /** Whether our values and Pillow's are the same bits. */
  readonly equal: boolean;
  /** How far `fast_decode` is from the exact values, of 255. */
  readonly fastDifference: { readonly mean: number; readonly max: number };
  readonly versions: Readonly<Record<string, string>>;
}

/** Measures our pipeline and Pillow's in alternating turns on the same crops. */
export async function benchPipeline(
  { pairs, side }: { readonly pairs: number; readonly side: number },
  report: (line: string) => void,
): Promise<PipelineResult> {
  const python = pythonOf("pillow");
  const { default: sharp } = await import("sharp");
  sharp.concurrency(1);
  sharp.cache(false); // as the decoding workers have it
  const folder = await mkdtemp(join(tmpdir(), "ocelli-photos-"));
  const script = fileURLToPath(new URL("peers/pipeline_pillow.py", import.meta.url));
  const flags = ["--folder", folder, "--side", String(side), "--size", String(SIZE)];
  const child = spawn(python, ["-B", script, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async <T>(): Promise<T> => {
      const { value, done } = await lines.next();
      if (done) throw new OcelliError("engine", "the worker of Pillow ended early.");
      return JSON.parse(value as string) as T;
    };
    const ready = await next<{
      photos: [string, number, number][];
      pillow: string;
      numpy: string;
    }>();
    const files = await Promise.all(ready.photos.map(([name]) => readFile(join(folder, name))));
    const items = Array.from({ length: CROPS }, (_, i) => {
      const [name, width, height] = ready.photos[i % files.length];
      const random = seededRandom("bench", i);
      const box = randomBox([height, width, 3], BOUNDS, random);
      return [name, box.x, box.y, box.width, box.height, random.uniform() < 0.5];
    });
    const run = async (head: string, keep: boolean) => {
      // the last operation keeps the scaling on the host, where Pillow's is
      const text = `${head}|inception_crop(${SIZE},method=pil_bilinear)|flip_lr|value_range(-1,1)|rgb`;
      const preprocessing = parsePreprocessing(text);
      const values: Float32Array[] = [];
      const begin = process.cpuUsage();
      for (let i = 0; i < CROPS; i++) {
        const file = files[i % files.length];
        const image = { shape: [file.length], dtype: "uint8" as const, data: file };
        const raw = { features: { image }, key: ["bench", i], id: String(i) };
        const prepared = await prepareExample(raw, preprocessing);
        if ("problem" in prepared) throw prepared.problem;
        const { data: pixels } = prepared.features.image;
        if (keep) values.push(pixels as Float32Array);
        else giveBack(pixels.buffer); // as batches do, once they have them
      }
      const { user, system } = process.cpuUsage(begin);
      return { seconds: (user + system) / 1e6, values };
    };
    const best = { ocelli: Infinity, fast: Infinity, pillow: Infinity };
    let equal = true;
    let fastDifference = { mean: 0, max: 0 };
    for (let pair = 0; pair <= pairs; pair++) {
      const ours = await run("decode", pair === 0);
      const fast = await run("fast_decode", pair === 0);
      child.stdin.write(`${JSON.stringify(items)}\n`);
      const pillow = await next<{ seconds: number; hash: string }>();
      if (pair === 0) {
        const hash = createHash("sha256");
        for (const values of ours.values) hash.update(values);
        equal = hash.digest("hex") === pillow.hash;
        fastDifference = difference(ours.values, fast.values);
        continue; // warm now
      }
      best.ocelli = Math.min(best.ocelli, ours.seconds);
      best.fast = Math.min(best.fast, fast.seconds);
      best.pillow = Math.min(best.pillow, pillow.seconds);
      const show = ({ seconds }: { seconds: number }) => (CROPS / seconds).toFixed(0);
      report(`ocelli ${show(ours)}/s   fast_decode ${show(fast)}/s   Pillow ${show(pillow)}/s`);
    }
    return {
      kind: "pipeline",
      side,
      ocelli: CROPS / best.ocelli,
      fast: CROPS / best.fast,
      pillow: CROPS / best.pillow,
      ratio: best.pillow / best.ocelli,
      fastRatio: best.pillow / best.fast,
      equal,
      fastDifference,
      versions: { node: process.version, pillow: ready.pillow, numpy: ready.numpy },
    };
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
}

function difference(exact: readonly Float32Array[], fast: readonly Float32Array[]) {
  let [sum, max, count] = [0, 0, 0];
  exact.forEach((values, i) =>
    values.forEach((value, k) => {
      const apart = Math.abs(value - fast[i][k]) * 127.5;
      sum += apart;
      max = Math.max(max, apart);
      count++;
    }),
  );
  return { mean: sum / count, max };
}

/** A result as lines for people. */
export const describePipeline = (result: PipelineResult): string =>
  [
    `photographs of ${result.side} px to ${SIZE} px; images a second of processor time`,
    `ocelli ${result.ocelli.toFixed(0)}, ${result.ratio.toFixed(2)} of Pillow's ${result.pillow.toFixed(0)}; equal values: ${result.equal}`,
    `fast_decode ${result.fast.toFixed(0)}, ${result.fastRatio.toFixed(2)} of Pillow's; apart from exact by ${result.fastDifference.mean.toFixed(2)} of 255 on average, ${result.fastDifference.max.toFixed(0)} at most`,
  ].join("\n");
