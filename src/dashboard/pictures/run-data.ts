/** @file The data that runs declare, read through their own sources: no path comes from a request. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset, Source } from "../../data/source.ts";
import { openDataset } from "../../data/datasets.ts";
import { type WalkLimit, withWalkLimit } from "../../data/files/walk.ts";
import { findSplit } from "../../data/splits/split-names.ts";
import { openSplit } from "../../data/splits/splits.ts";
import { OcelliError, unknownName } from "../../errors.ts";
import { isObject } from "../../runs/read-config.ts";
import { readJson } from "../../runs/read.ts";
import { useRunFiles } from "../../served/modules.ts";
import { dataFor } from "../../served/split-record.ts";

/** Runs whose data is held open. */
const KEPT = 3;
/** ImageNet has 1.3 million files. A run folder from elsewhere may name a whole disk. */
const WALK: WalkLimit = { entries: 2_000_000, seconds: 30 };

/** A run's data. */
interface RunData {
  readonly dataset: Dataset;
  /** Splits to look at: those that the run was trained on and judged by, then those of the data. */
  readonly splits: readonly string[];
  open(split: string): Promise<OpenSplit>;
}

/** A split that can be looked at. */
export interface OpenSplit {
  readonly source: Source;
  /** What labels stand for; nothing where an example has not one label each. */
  readonly names: readonly string[];
  /** The label of each example, where that costs no reading of pictures. */
  readonly labels?: Int32Array;
}

/** Opens the data of runs, and keeps what was opened last. */
export class RunDataStore {
  readonly #limit: WalkLimit;
  readonly #opened = new Map<
    string,
    { readonly written: number; readonly data: Promise<RunData> }
  >();

  /** @param limit how far the folders of a run's data are listed */
  constructor(limit = WALK) {
    this.#limit = limit;
  }

  /**
   * A split of a run's own data.
   *
   * @throws a data error where the data is gone or lies elsewhere than on this machine
   */
  async open(folder: string, split: string): Promise<OpenSplit> {
    const data = await this.of(folder);
    if (data.splits.includes(split)) return data.open(split);
    throw unknownName("split", split, data.splits, "argument");
  }

  /** What a run declares as its data. */
  async of(folder: string): Promise<RunData> {
    const { mtimeMs: written } = await stat(join(folder, "config.json"));
    const known = this.#opened.get(folder);
    this.#opened.delete(folder);
    const data =
      known?.written === written
        ? known.data
        : withWalkLimit(this.#limit, () => openRunData(folder));
    this.#opened.set(folder, { written, data }); // the most lately used last
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > KEPT) this.#opened.delete(oldest);
    data.catch(() => this.#opened.delete(folder));
    return data;
  }
}

async function openRunData(folder: string): Promise<RunData> {
  const config = await readJson(join(folder, "config.json"));
  checkPaths(config.data);
  await useRunFiles(folder);
  const known = await dataFor(folder, undefined);
  const dataset = await openDataset(known.data);
  const { splits: recorded } = await readJson(join(folder, "splits.json"));
  const own = Object.keys(isObject(recorded) ? recorded : {}).filter((name) => {
    const [base] = /^[^[\]~]+/.exec(name) ?? []; // of other data, such as an evaluation's, there is no such split
    return base !== undefined && findSplit(dataset.splits, base) !== undefined;
  });
  const splits = [...new Set([...own, ...dataset.splits])];
  const opened = new Map<string, Promise<OpenSplit>>();
  return {
    dataset,
    splits,
    open(split) {
      const found =
        opened.get(split) ?? openSplit(dataset, split, { slices: known.slices }).then(opening);
      opened.set(split, found);
      found.catch(() => opened.delete(split));
      return found;
    },
  };
}

/** An error for data on another machine's share: Windows would tell that machine who the user is. */
function checkPaths(data: unknown): void {
  const share = textsIn(data).find((text) => /^[\\/]{2}/.test(text));
  if (share === undefined) return;
  throw new OcelliError("data", `the run's data lies at ${share}, on another machine.`, {
    hint: "The dashboard reads data of this machine only; ocelli data shows it.",
  });
}

const textsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(textsIn)
      : [];

function opening(source: Source): OpenSplit {
  if (source.fields.image === undefined) {
    throw new OcelliError("data", "the run's data has no pictures.");
  }
  const isSingle = source.fields.label === "class";
  const read = isSingle ? source.held?.label : undefined;
  const labels =
    read && Int32Array.from({ length: source.length }, (_, i) => Number(read(i).data[0]));
  return { source, names: isSingle ? (source.names.label ?? []) : [], ...(labels && { labels }) };
}
