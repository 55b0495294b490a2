/** @file Batches of preprocessed examples: an endless shuffled stream for training, one pass for evaluation. */

import { OcelliError } from "../../errors.ts";
import { type Like, collate } from "../../preprocess/collate.ts";
import type { Features } from "../../preprocess/example.ts";
import type { Preprocessing } from "../../preprocess/pipeline.ts";
import { giveBack } from "../../preprocess/spare.ts";
import {
  type Prepared,
  type RawExample,
  endExample,
  isEncoded,
  prepareExample,
} from "./examples.ts";
import { BEGINNING, type Position, type Visit, trainingOrder } from "./order.ts";
import { type BadImagePolicy, type DataProblems, whyLeftOut } from "../problems.ts";
import { type Share, sharedVisits } from "./share.ts";
import type { Source } from "../source.ts";
import { travels } from "./travelling.ts";
import type { WorkerPool } from "./workers.ts";

/** A batch in host memory. */
export interface Batch {
  /** The examples' arrays, stacked: `image` [batch, …], `label` [batch]; and `mask` [batch], 0 where padded. */
  readonly features: Features;
  /** How many examples are real. */
  readonly count: number;
  /** Which examples they are, by row; −1 where a row is padded or its image could not be decoded. */
  readonly indices: Int32Array;
  /** Where the stream goes on after this batch. */
  readonly next: Position;
}

/** What a stream for training takes. */
export interface TrainingOptions extends BatchOptions {
  /** The rows of every batch that this process reads: its batches hold them alone. Default: all rows. */
  readonly share?: Share;
}

/** What both kinds of stream take. */
export interface BatchOptions {
  readonly batchSize: number;
  readonly preprocessing: Preprocessing;
  /** Decides the order and, with the epoch and the example's id, every random operation. */
  readonly seed: number;
  /** Makes examples ready ahead of time, where that is worth while; without it this thread does. */
  readonly workers?: WorkerPool;
  /** Whether an image that cannot be decoded is an error, which it is unless given, or left out. */
  readonly onBadImage?: BadImagePolicy;
  /** Collects what was left out, and what is worth a note. */
  readonly problems?: DataProblems;
  /** What errors call the examples: their split. */
  readonly split?: string;
}

/** Batches that are made ready ahead of time by workers. */
const BATCHES_AHEAD = 3;
/** Array elements times host operations from which on an example is work enough for another thread. */
const WORTH_A_THREAD = 200_000;

/**
 * Full batches without end, in the order of {@link trainingOrder}; a batch may span two epochs. An image that cannot be
 * decoded is replaced by the next example of the order. Started at a batch's `next`, the stream goes on as if it had
 * never stopped.
 */
export async function* trainingBatches(
  source: Source,
  options: TrainingOptions,
  start: Position = BEGINNING,
): AsyncGenerator<Batch, never> {
  const { seed, share } = options;
  const order = trainingOrder(source, seed, start);
  const visits = share ? sharedVisits(order, options.batchSize, share) : order;
  const batchSize = share?.count ?? options.batchSize;
  const preparer = await openPreparer(source, options);
  const ahead: { visit: Visit; example: Promise<Prepared> }[] = [];
  let bad = 0;
  for (;;) {
    const examples: Features[] = [];
    const indices = new Int32Array(batchSize);
    let next = start;
    while (examples.length < batchSize) {
      while (ahead.length < batchSize - examples.length + preparer.ahead) {
        const visit = visits.next().value;
        ahead.push({ visit, example: preparer.prepare(visit.index, [seed, visit.epoch]) });
      }
      const { visit, example } = ahead.shift()!;
      const features = take(await example, source.id(visit.index), options);
      if (features) {
        indices[examples.length] = visit.index;
        examples.push(features);
        bad = 0;
      } else if (++bad >= source.length) throw allBad(source, options);
      next = visit.next;
    }
    const features = collate(examples, batchSize);
    giveBackAll(examples);
    yield { features, count: batchSize, indices, next };
  }
}

/** All examples once, in their own order; padded rows, and images that cannot be decoded, are zeros and masked. */
export async function* evaluationBatches(
  source: Source,
  options: BatchOptions,
): AsyncGenerator<Batch, void> {
  const { batchSize, seed } = options;
  const preparer = await openPreparer(source, options);
  const ahead: Promise<Prepared>[] = [];
  let started = 0;
  let like: Like | undefined;
  for (let begin = 0; begin < source.length; begin += batchSize) {
    const rows = Math.min(batchSize, source.length - begin);
    const end = Math.min(source.length, begin + rows + preparer.ahead);
    while (started < end) ahead.push(preparer.prepare(started++, [seed, "evaluation"]));
    const examples: (Features | undefined)[] = [];
    for (const [row, example] of ahead.splice(0, rows).entries()) {
      examples.push(take(await example, source.id(begin + row), options));
    }
    like ??= examples.find((example) => example !== undefined);
    if (!like) continue; // nothing in it counts, and its shape is not known yet
    const indices = Int32Array.from({ length: batchSize }, (_, i) =>
      examples[i] ? begin + i : -1,
    );
    const count = examples.filter(Boolean).length;
    const features = collate(examples, batchSize, like);
    giveBackAll(examples);
    yield { features, count, indices, next: { epoch: 0, index: begin + rows } };
  }
  if (!like) throw allBad(source, options);
}

/** An example's arrays, or undefined where it is left out. */
function take(prepared: Prepared, id: string, options: BatchOptions): Features | undefined {
  if ("features" in prepared) {
    if (prepared.kind) options.problems?.notice(id, prepared.kind);
    return prepared.features;
  }
  if (options.onBadImage !== "skip") throw prepared.problem;
  options.problems?.add({ id, reason: whyLeftOut(prepared.problem, id) });
  return undefined;
}

/** The memory of stacked examples is used again. */
function giveBackAll(examples: readonly (Features | undefined)[]): void {
  for (const example of examples) {
    for (const { data } of Object.values(example ?? {})) giveBack(data.buffer);
  }
}

/** The error where all images of a source were left out. */
function allBad(source: Source, { problems, split }: BatchOptions): OcelliError {
  const where = split === undefined ? "" : ` of the split ${split}`;
  const ids = new Set(Array.from({ length: source.length }, (_, index) => source.id(index)));
  const first = problems?.toJSON().examples.find(({ id }) => ids.has(id));
  const example = first ? ` The first, ${first.id}: ${first.reason}` : "";
  const count = `none of the ${source.length} images${where}`;
  return new OcelliError("data", `${count} can be decoded.${example}`);
}

/** Makes examples ready by index, in other threads where that is worth while. */
interface Preparer {
  /** How many examples to begin before their batch's turn. */
  readonly ahead: number;
  prepare(index: number, key: readonly (number | string)[]): Promise<Prepared>;
}

async function openPreparer(
  source: Source,
  { preprocessing, batchSize, workers }: BatchOptions,
): Promise<Preparer> {
  const read = async (index: number, key: readonly (number | string)[]): Promise<RawExample> => {
    const id = source.id(index);
    const features = await source.read(index);
    return { features, fields: source.fields, key: [...key, id], id };
  };
  const threads =
    workers && travels(preprocessing.text) && (await isWorthThreads(source, preprocessing))
      ? workers
      : undefined;
  return {
    ahead: threads ? BATCHES_AHEAD * batchSize : 0,
    prepare(index, key) {
      const example = threads
        ? threads.prepare(preprocessing.text, () => read(index, key))
        : read(index, key).then((raw) => prepareExample(raw, preprocessing));
      const ended = example.then((made) =>
        endExample(made, preprocessing, [...key, source.id(index)]),
      );
      ended.catch(() => undefined); // thrown where the example is awaited
      return ended;
    },
  };
}

/** Whether making an example ready costs more than handing it over; results are the same either way. */
async function isWorthThreads(source: Source, preprocessing: Preprocessing): Promise<boolean> {
  if (source.length === 0) return false;
  const example = await source.read(0);
  const elements = Object.values(example).reduce((sum, { data }) => sum + data.length, 0);
  return isEncoded(example) || elements * preprocessing.hostOperations >= WORTH_A_THREAD;
}
