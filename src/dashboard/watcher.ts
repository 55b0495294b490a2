/** @file The runs of a folder as they change, read again only where their files did. */

import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { listPictures } from "../runs/list-pictures.ts";
import { type Curve, MetricsReader } from "../runs/read-curves.ts";
import { type RunSummary, findRuns, readRun } from "../runs/read.ts";

/** Points of a curve on the page, and curves of a run. */
const POINTS = 600;
const CURVES = 200;
/** Runs whose curves are kept at a time. */
const KEPT = 64;
/** A run that is still training is read again this often, in milliseconds: its state follows the clock. */
const RECHECK = 5000;
/** What is not older than this, in milliseconds, is not looked at again, whoever asks. */
const FRESH = 500;
/** Runs looked at together. */
const AT_ONCE = 16;

const FILES = ["config.json", "environment.json", "metrics.jsonl", "result.json"];

interface Known {
  readonly signature: string;
  readonly read: number;
  readonly run: RunSummary;
}

/** Runs, and a number that changes with them. */
export interface WatchedRuns {
  readonly version: number;
  readonly runs: readonly RunSummary[];
}

/** Curves of a run, and a number that changes with them. */
interface WatchedCurves {
  readonly position: number;
  readonly curves?: Record<string, Curve>;
  /** Metrics without a curve here: there are too many. */
  readonly omitted?: number;
}

/** Watches a folder. Only runs that it found itself can be asked for: no path comes from outside. */
export class RunWatcher {
  readonly dir: string;
  private known = new Map<string, Known>(); // by folder
  private folders = new Map<string, string>(); // name → folder
  private readonly readers = new Map<string, MetricsReader>();
  private last: { readonly at: number; readonly found: WatchedRuns } | undefined;
  private looking: Promise<WatchedRuns> | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** The runs now; none where the folder does not exist yet. Calls at once look together. */
  async runs(): Promise<WatchedRuns> {
    if (this.last && performance.now() - this.last.at < FRESH) return this.last.found;
    return (this.looking ??= this.look().finally(() => (this.looking = undefined)));
  }

  private async look(): Promise<WatchedRuns> {
    const root = await realpath(this.dir).catch(() => undefined);
    const found = root === undefined ? [] : await findRuns(root);
    const known = new Map<string, Known>();
    for (let i = 0; i < found.length; i += AT_ONCE) {
      const some = found.slice(i, i + AT_ONCE);
      const read = await Promise.all(some.map((folder) => this.lookAt(folder, root!)));
      some.forEach((folder, k) => known.set(folder, read[k]));
    }
    const runs = [...known.values()].map(({ run }) => run);
    const before = this.last?.found;
    const same =
      before?.runs.length === runs.length && runs.every((run, i) => run === before.runs[i]);
    const now = same ? before : { version: (before?.version ?? 0) + 1, runs };
    this.known = known;
    this.folders = new Map(runs.map(({ name, folder }) => [name, folder]));
    this.last = { at: performance.now(), found: now };
    return now;
  }

  private async lookAt(folder: string, root: string): Promise<Known> {
    const signature = await signatureOf(folder);
    const before = this.known.get(folder);
    const isFresh =
      before?.signature === signature &&
      (before.run.state !== "running" || performance.now() - before.read < RECHECK);
    if (isFresh) return before;
    return { signature, read: performance.now(), run: await readRun(folder, root) };
  }

  /** The folder of a run by its name. */
  async folder(name: string): Promise<string | undefined> {
    if (!this.folders.has(name)) await this.runs();
    return this.folders.get(name);
  }

  /** All that is known of a run by its name. */
  async run(name: string): Promise<RunSummary | undefined> {
    const { runs } = await this.runs();
    return runs.find((run) => run.name === name);
  }

  /** The curves of a run; without them where they are as they were at `since`. */
  async curves(folder: string, since: number): Promise<WatchedCurves> {
    let reader = this.readers.get(folder);
    this.readers.delete(folder);
    reader ??= new MetricsReader(join(folder, "metrics.jsonl"), POINTS, CURVES);
    this.readers.set(folder, reader); // the most lately used last
    const [oldest] = this.readers.keys();
    if (this.readers.size > KEPT) this.readers.delete(oldest);
    await reader.update();
    const { position, omitted } = reader;
    return position === since ? { position } : { position, curves: reader.curves(), omitted };
  }

  /** The names of a run's pictures of augmented inputs. */
  pictures(folder: string): Promise<string[]> {
    return listPictures(join(folder, "augmented"));
  }
}

async function signatureOf(folder: string): Promise<string> {
  const stats = await Promise.all(
    FILES.map((name) => lstat(join(folder, name)).catch(() => undefined)),
  );
  return stats.map((found) => (found ? `${found.mtimeMs}:${found.size}` : "-")).join(" ");
}
