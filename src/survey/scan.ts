/** @file Every picture of every split, read once: into the ledger, its fields into the tallies. */

import { createHash } from "node:crypto";
import { type DataProblem, whyLeftOut } from "../data/problems.ts";
import type { Source } from "../data/source.ts";
import { type Prepared, isEncoded } from "../data/stream/examples.ts";
import { type WorkerPool, createWorkerPool } from "../data/stream/workers.ts";
import { cpuBudget } from "../engines/threads.ts";
import { OcelliError } from "../errors.ts";
import { bytesOf } from "../formats/bytes.ts";
import type { HostArray } from "../graph/index.ts";
import { COLOURS, isPlain, isTransparent, opaque } from "../preprocess/alpha.ts";
import type { Example } from "../preprocess/example.ts";
import { isImage } from "../preprocess/image.ts";
import type { tallyFields } from "./fields.ts";
import { type Entry, Ledger } from "./ledger.ts";
import { LOOK_PREPROCESSING, lookOf } from "./look.ts";

/** A split to read. */
export interface ScannedSplit {
  readonly split: string;
  readonly source: Source;
  readonly tally: ReturnType<typeof tallyFields>;
}

/** What a scan needs beside the splits. */
interface ScanOptions {
  readonly signal?: AbortSignal;
  readonly progress?: (done: number, total: number) => void;
  /** Takes each picture that cannot be read. */
  readonly unreadable: (split: string, problem: DataProblem) => void;
}

/** Pictures that are begun before the first of them is awaited, for each worker. */
const AHEAD = 16;

/** Bytes of what was read. */
export interface Scanned {
  readonly ledger: Ledger;
  readonly bytes: number;
}

/** Reads every picture of some splits, a bounded number of them at a time. Rows are in the order of splits and examples. */
export async function scan(
  splits: readonly ScannedSplit[],
  { signal, progress, unreadable }: ScanOptions,
): Promise<Scanned> {
  const total = splits.reduce((sum, { source }) => sum + source.length, 0);
  const ledger = new Ledger(total);
  const workers = createWorkerPool(cpuBudget().decode);
  let row = 0;
  let bytes = 0;
  try {
    for (const { split, source, tally } of splits) {
      const ahead: Promise<Seen>[] = [];
      let begun = 0;
      for (let index = 0; index < source.length; index++) {
        signal?.throwIfAborted();
        while (begun < source.length && ahead.length < AHEAD * workers.size) {
          const seen = look(source, begun++, workers);
          seen.catch(() => undefined); // thrown where it is awaited
          ahead.push(seen);
        }
        const { example, entry, size, problem } = await ahead.shift()!;
        if (example) tally.add(example);
        if (entry) ledger.put(row, entry);
        ledger.labels[row] = classIn(example);
        bytes += size;
        if (problem !== undefined) unreadable(split, { id: source.id(index), reason: problem });
        row++;
        progress?.(row, total);
      }
    }
    return { ledger, bytes };
  } finally {
    workers[Symbol.dispose]();
  }
}

/** What was seen of an example. */
interface Seen {
  /** Its fields but the picture's file, where it could be read. */
  readonly example?: Example;
  readonly entry?: Entry;
  readonly size: number;
  /** Why it cannot be read or decoded. */
  readonly problem?: string;
}

async function look(source: Source, index: number, workers: WorkerPool): Promise<Seen> {
  const id = source.id(index);
  let example: Example | undefined;
  let digest: Uint8Array | undefined;
  let size = 0;
  const read = async () => {
    example = await source.read(index);
    const { image } = example;
    const bytes = bytesOf(image);
    const hash = createHash("sha256");
    if (!isEncoded({ image })) hash.update(`${image.dtype}[${image.shape.join()}]`);
    digest = hash.update(bytes).digest();
    size = bytes.length;
    return { features: { image }, key: [], id };
  };
  try {
    const prepared = await workers.prepare(LOOK_PREPROCESSING, read);
    const fields = example && withoutFile(example);
    if ("problem" in prepared) {
      return { example: fields, size, problem: whyLeftOut(prepared.problem, id) };
    }
    const picture = pictureOf(prepared, example!.image);
    return { example: fields, size, entry: { digest: digest!, picture } };
  } catch (error) {
    if (!(error instanceof OcelliError) || error.code !== "data") throw error;
    return { example: example && withoutFile(example), size, problem: whyLeftOut(error, id) };
  }
}

/** An example whose image is pixels, or absent: a file's bytes are not held while the next ones are read. */
function withoutFile(example: Example): Example {
  if (!isEncoded(example)) return example;
  return Object.fromEntries(Object.entries(example).filter(([field]) => field !== "image"));
}

function pictureOf(
  prepared: Extract<Prepared, { features: Example }>,
  image: HostArray,
): Entry["picture"] {
  const look = lookOf(prepared.features.image);
  if (prepared.kind) return { ...prepared.kind, look };
  if (!isImage(image)) return undefined;
  const [height, width, channels] = image.shape;
  const plain = isPlain(opaque(image, COLOURS.white));
  return { height, width, channels, transparent: isTransparent(image), plain, look };
}

/** The one class of an example; −1 where it has none, or several. */
const classIn = (example: Example | undefined): number =>
  example?.label?.shape.length === 0 ? Number(example.label.data[0]) : -1;
