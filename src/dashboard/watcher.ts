/** @file The runs of a folder as they change, read again only where their files did. */

import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Curve, MetricsReader } from "../runs/read-curves.ts";
import { type RunSummary, findRuns, readRun } from "../runs/read.ts";

/** Points of a curve on the page. */
const POINTS = 600;
/** Runs whose curves are kept at a time. */
const KEPT = 64;
/** A run that still goes on is read again this often, in milliseconds: its state follows the clock. */
const RECHECK = 5000;

const FILES = ["config.json", "environment.json", "metrics.jsonl", "result.json"];

interface Known {
  readonly signature: string;
  readonly read: number;
  readonly run: RunSummary;
}

/** Watches a folder. Only runs that it found itself can be asked for: no path comes from outside. */
export class RunWatcher {
  readonly dir: string;
  private known = new Map<string, Known>(); // by folder
  private folders = new Map<string, string>(); // name → folder
  private readonly readers = new Map<string, MetricsReader>();

  constructor(dir: string) {
    this.dir = dir;
  }

  /** The runs now; none where the folder does not exist yet. */
  async runs(): Promise<RunSummary[]> {
    const root = await realpath(this.dir).catch(() => undefined);
    const found = root === undefined ? [] : await findRuns(root);
    const known = new Map<string, Known>();
    for (const folder of found) {
      const signature = await signatureOf(folder);
      const before = this.known.get(folder);
      const fresh =
        before?.signature === signature &&
        (before.run.state !== "running" || performance.now() - before.read < RECHECK);
      const run = fresh ? before.run : await readRun(folder, root);
      known.set(folder, { signature, read: fresh ? before.read : performance.now(), run });
    }
    this.known = known;
    const runs = [...known.values()].map(({ run }) => run);
    this.folders = new Map(runs.map(({ name, folder }) => [name, folder]));
    return runs;
  }

  /** The folder of a run by its name. */
  async folder(name: string): Promise<string | undefined> {
    if (!this.folders.has(name)) await this.runs();
    return this.folders.get(name);
  }

  /** The curves of a run, and a number that changes with them; without curves where it is still `since`. */
  async curves(
    folder: string,
    since: number,
  ): Promise<{ position: number; curves?: Record<string, Curve> }> {
    let reader = this.readers.get(folder);
    this.readers.delete(folder);
    reader ??= new MetricsReader(join(folder, "metrics.jsonl"), POINTS);
    this.readers.set(folder, reader); // the most lately used last
    const [oldest] = this.readers.keys();
    if (this.readers.size > KEPT) this.readers.delete(oldest);
    await reader.update();
    const { position } = reader;
    return position === since ? { position } : { position, curves: reader.curves() };
  }

  /** The names of a run's pictures of augmented inputs. */
  async pictures(folder: string): Promise<string[]> {
    const entries = await readdir(join(folder, "augmented"), { withFileTypes: true }).catch(
      () => [],
    );
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(".png"))
      .map(({ name }) => name)
      .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  }
}

async function signatureOf(folder: string): Promise<string> {
  const stats = await Promise.all(
    FILES.map((name) => stat(join(folder, name)).catch(() => undefined)),
  );
  return stats.map((found) => (found ? `${found.mtimeMs}:${found.size}` : "-")).join(" ");
}
