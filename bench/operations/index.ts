/** @file `ocelli bench operations`: single operations on our engines beside PyTorch and JAX, in turns, in one run. */

import { fileURLToPath } from "node:url";
import { launchEnvironment, plainEnvironment } from "../../src/engines/xla/environment.ts";
import { OcelliError, unknownName } from "../../src/errors.ts";
import { type Lines, openLines } from "../lines.ts";
import { pythonOf } from "../python.ts";
import { OPERATIONS, type Sums } from "./table.ts";

const PEERS = ["torch", "jax"] as const;

/** Results whose sums differ by more, relative to the sum of an array's sizes, are of other work. */
const SAME = 1e-3;

/** What to measure. */
export interface OperationsOptions {
  /** Operations by name; default: all. */
  readonly names?: readonly string[];
  readonly engines: readonly string[];
  readonly peers: readonly string[];
  readonly pairs: number;
  readonly threads: number;
}

/** One operation: milliseconds of every run by engine and peer. */
export interface OperationResult {
  readonly name: string;
  readonly about: string;
  readonly ms: Readonly<Record<string, readonly number[]>>;
  /** The engine's fastest run over that of the faster peer. */
  readonly ratios: Readonly<Record<string, number>>;
}

interface Worker {
  readonly name: string;
  readonly how: string;
  readonly lines: Lines;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Measures operations one after the other; `report` hears each when it is done. */
export async function benchOperations(
  { names = Object.keys(OPERATIONS), engines, peers, pairs, threads }: OperationsOptions,
  report: (line: string) => void,
): Promise<{ readonly how: Record<string, string>; readonly operations: OperationResult[] }> {
  for (const peer of peers) {
    if (!PEERS.some((known) => known === peer)) throw unknownName("peer", peer, PEERS, "argument");
  }
  for (const name of names) {
    if (!Object.hasOwn(OPERATIONS, name)) {
      throw unknownName("operation", name, Object.keys(OPERATIONS), "argument");
    }
  }
  using started = new DisposableStack();
  const workers: Worker[] = [];
  for (const name of [...engines, ...peers]) {
    const worker = await startWorker(name, threads, peers.includes(name));
    started.use(worker.lines);
    workers.push(worker);
  }
  const operations: OperationResult[] = [];
  for (const name of names) {
    operations.push(await measure(name, workers, { engines, peers, pairs }));
    report(describeOperation(operations[operations.length - 1]));
  }
  return { how: Object.fromEntries(workers.map(({ name, how }) => [name, how])), operations };
}

async function measure(
  name: string,
  workers: readonly Worker[],
  { engines, peers, pairs }: Pick<OperationsOptions, "engines" | "peers" | "pairs">,
): Promise<OperationResult> {
  const sums: (readonly Sums[])[] = [];
  for (const { lines } of workers) {
    sums.push(((await lines.ask(name)) as { sums: Sums[] }).sums);
  }
  for (const [w, worker] of workers.entries()) checkSums(name, worker.name, sums[w], sums[0]);
  const ms: Record<string, number[]> = {};
  for (let pair = 0; pair < pairs; pair++) {
    for (const worker of workers) {
      (ms[worker.name] ??= []).push(((await worker.lines.ask("run")) as { ms: number }).ms);
    }
  }
  const best = (worker: string): number => Math.min(...ms[worker]);
  const peer = Math.min(...peers.map(best));
  const ratios = peers.length > 0 ? engines.map((engine) => [engine, best(engine) / peer]) : [];
  return {
    name,
    about: OPERATIONS[name].about,
    ms,
    ratios: Object.fromEntries(ratios) as Record<string, number>,
  };
}

function checkSums(name: string, worker: string, sums: readonly Sums[], first: readonly Sums[]) {
  const isSame =
    sums.length === first.length &&
    sums.every(({ sum, size }, i) => {
      const most = SAME * first[i].size;
      return Math.abs(sum - first[i].sum) <= most && Math.abs(size - first[i].size) <= most;
    });
  if (isSame) return;
  const show = (list: readonly Sums[]) =>
    list.map(({ sum, size }) => `${sum} of ${size}`).join(", ");
  throw new OcelliError(
    "engine",
    `${worker} computes something else for ${name}: its results sum to ${show(sums)}, not ${show(first)}.`,
  );
}

/** A line: name, the fastest run of each, ratios. */
export function describeOperation({ name, ms, ratios }: OperationResult): string {
  const times = Object.entries(ms).map(
    ([worker, all]) => `${worker} ${Math.min(...all).toFixed(2)} ms`,
  );
  const compared = Object.entries(ratios).map(
    ([engine, ratio]) => `${engine} ${ratio.toFixed(2)} of the faster peer`,
  );
  return [name.padEnd(32), ...times, ...compared].join("   ");
}

async function startWorker(name: string, threads: number, isPeer: boolean): Promise<Worker> {
  const count = ["--threads", String(threads)];
  const lines = isPeer
    ? openLines(
        name,
        [pythonOf(name), "-B", here("../peers/operations.py"), "--library", name, ...count],
        plainEnvironment(),
      )
    : openLines(name, [process.execPath, here("worker.ts"), "--engine", name, ...count], {
        ...process.env,
        ...(name === "xla-cpu" ? launchEnvironment() : {}),
      });
  const { how } = (await lines.next()) as { how: string };
  return { name, how, lines };
}
