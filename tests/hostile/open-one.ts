/** @file Opens one file as the program does, in a process of its own, and says what came of it, how long it took and the memory. */

import { readFileSync } from "node:fs";
import { decodeImageFile } from "../../src/data/decode/decode.ts";
import { openDataset } from "../../src/data/datasets.ts";
import { detectData } from "../../src/data/readers/detect.ts";
import { firstExample } from "../../src/data/stream/examples.ts";
import { OcelliError } from "../../src/errors.ts";
import { parsePreprocessing } from "../../src/preprocess/pipeline.ts";
import { openModel } from "../../src/served/open.ts";
import { loadWeights } from "../../src/weights/index.ts";

/** What a file is opened as. */
export type Kind = "image" | "thin" | "data" | "weights" | "model";

/** What came of it. */
export interface Outcome {
  /** The error's one line; undefined where it opened. */
  readonly error?: string;
  readonly isOurs: boolean;
  readonly seconds: number;
  /** The most memory that the process ever had, in megabytes. */
  readonly megabytes: number;
}

const OPEN: Readonly<Record<Kind, (path: string) => Promise<unknown>>> = {
  image: decodeImageFile,
  async thin(path) {
    const image = await decodeImageFile(path);
    const { onHost } = parsePreprocessing("decode|resize_small(256)|central_crop(224)");
    const random = { uniform: () => 0, integer: (low: number) => low } as never;
    return onHost({ image }, random);
  },
  async data(path) {
    const { splits, open } = await openDataset(await detectData(path));
    return firstExample(await open(splits[0]), parsePreprocessing("decode|resize(8)"));
  },
  weights: loadWeights,
  async model(path) {
    await (await openModel(path, { engine: "interpreter" })).dispose();
  },
};

/** The peak of this process alone: what the system counts otherwise begins with the memory of the one that started it. */
function peak(): number {
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))!;
  return Number(kilobytes) / 1024;
}

const [kind, path] = process.argv.slice(2);
const start = performance.now();
let failed: unknown;
try {
  await OPEN[kind as Kind](path);
} catch (error) {
  failed = error;
}
const outcome: Outcome = {
  error: failed instanceof Error ? failed.message : undefined,
  isOurs: failed === undefined || failed instanceof OcelliError,
  seconds: (performance.now() - start) / 1000,
  megabytes: peak(),
};
process.stdout.write(JSON.stringify(outcome));
