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
export type Kind = "image" | "apart" | "thin" | "data" | "weights" | "model";

/** What came of it. */
export interface Outcome {
  /** The error's one line; undefined where it opened. */
  readonly error?: string;
  readonly isOurs: boolean;
  /** Of the processors, with those of its decoder: a busy machine fails no file. */
  readonly seconds: number;
  /** The most memory that the process and its decoder ever had, in megabytes. */
  readonly megabytes: number;
}

const OPEN: Readonly<Record<Kind, (path: string) => Promise<unknown>>> = {
  image: decodeImageFile,
  apart: decodeImageFile,
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

/** The processes that this one has started and that are still there. */
const children = (): string[] =>
  readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);

/** What a file of the system says of this process and of those it started; one that has just ended says nothing. */
const saidOf = (file: string): string[] =>
  ["self", ...children()].map((id) => {
    try {
      return readFileSync(`/proc/${id}/${file}`, "utf8");
    } catch {
      return "";
    }
  });

const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);

/** The peaks of these processes alone: what the system counts otherwise begins with the memory of the one that started them. */
const peak = (): number =>
  sum(saidOf("status").map((said) => Number(/^VmHWM:\s*(\d+) kB/m.exec(said)?.[1] ?? 0))) / 1024;

/** Processor time of this process, of the ones that it started, and of those that have ended. */
const seconds = (): number =>
  sum(
    saidOf("stat").map((said) => {
      const fields = said.replace(/^.*\)/, "_ _").split(" ");
      return sum(fields.slice(13, 17).map(Number));
    }),
  ) / TICKS;
/** Of a second, in which Linux counts processor time. */
const TICKS = 100;

const [kind, path] = process.argv.slice(2);
const start = seconds();
let failed: unknown;
try {
  await OPEN[kind as Kind](path);
} catch (error) {
  failed = error;
}
const outcome: Outcome = {
  error: failed instanceof Error ? failed.message : undefined,
  isOurs: failed === undefined || failed instanceof OcelliError,
  seconds: seconds() - start,
  megabytes: peak(),
};
process.stdout.write(JSON.stringify(outcome));
