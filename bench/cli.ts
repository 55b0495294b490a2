/** @file `ocelli bench`: Ocelli beside a peer in the same run, alternating, minima and medians. */

import { cpus } from "node:os";
import { OcelliError, unknownName } from "../src/errors.ts";
import { type Peer, type Work, startPeer } from "./peer.ts";
import { traceTimes } from "./trace.ts";

const KINDS = ["step", "forward", "trace", "start"] as const;
/** What is measured: a training step, a forward pass, tracing, or the time from start to the first dispatch. */
export type BenchKind = (typeof KINDS)[number];

/** What to measure. */
export interface BenchOptions {
  readonly kind: string;
  /** `vit-s16`, `vit-ti16`, … */
  readonly model: string;
  /** Image size in pixels. */
  readonly size: number;
  readonly batch: number;
  readonly engine: string;
  readonly threads: number;
  /** The peer: `torch` or `jax`. */
  readonly against?: string;
  readonly pairs: number;
}

/** A series of figures in milliseconds. */
export interface Series {
  readonly all: readonly number[];
  readonly min: number;
  readonly median: number;
}

/** What a benchmark found. */
export interface BenchResult extends BenchOptions {
  readonly unit: "ms";
  readonly ours: Series;
  readonly peer?: Series;
  /** Ours / peer, of the minima. */
  readonly ratio?: number;
  /** Peak resident memory in MB, of whole processes. */
  readonly peakRss?: Readonly<Record<string, number>>;
  readonly startSeconds?: Readonly<Record<string, number>>;
  readonly how: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly machine: string;
}

function series(all: readonly number[]): Series {
  const sorted = [...all].sort((a, b) => a - b);
  return { all, min: sorted[0], median: sorted[Math.floor(sorted.length / 2)] };
}

/** Runs a benchmark; `report` hears each pair as it is measured. */
export async function bench(
  options: BenchOptions,
  report: (line: string) => void,
): Promise<BenchResult> {
  const kind = KINDS.find((name) => name === options.kind);
  if (!kind) throw unknownName("benchmark", options.kind, KINDS);
  if (!(options.pairs >= 1))
    throw new OcelliError("argument", `--pairs must be at least 1, not ${options.pairs}.`);
  if (kind === "trace") return benchTrace(options);
  return kind === "start" ? benchStart(options, report) : benchWork(options, kind, report);
}

const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${process.platform} ${process.arch}`;

const workOf = ({ model, size, batch, threads }: BenchOptions, work: Work["work"]): Work => ({
  model,
  size,
  batch,
  work,
  threads,
});

async function benchWork(
  options: BenchOptions,
  work: "step" | "forward",
  report: (line: string) => void,
): Promise<BenchResult> {
  const names = ["ocelli", ...(options.against ? [options.against] : [])];
  using started = new DisposableStack();
  const peers: Peer[] = [];
  for (const name of names) {
    peers.push(started.use(await startPeer(name, workOf(options, work), options.engine)));
  }
  const times = peers.map((): number[] => []);
  for (let pair = 0; pair < options.pairs; pair++) {
    for (const [i, peer] of peers.entries()) times[i].push(await peer.run());
    report(peers.map(({ name }, i) => `${name} ${times[i][pair].toFixed(0)} ms`).join("   "));
  }
  const memory = await Promise.all(
    peers.map(async (peer) => [peer.name, await peer.stop()] as const),
  );
  return summarise(options, peers, times.map(series), Object.fromEntries(memory));
}

/** Whole processes from their start to the dispatch of their first step, one after the other. */
async function benchStart(
  options: BenchOptions,
  report: (line: string) => void,
): Promise<BenchResult> {
  const names = ["ocelli", ...(options.against ? [options.against] : [])];
  const times = names.map((): number[] => []);
  let last: Peer[] = [];
  for (let pair = 0; pair < options.pairs; pair++) {
    last = [];
    for (const [i, name] of names.entries()) {
      using peer = await startPeer(name, workOf(options, "step"), options.engine);
      times[i].push(peer.ready.startup_s * 1e3);
      await peer.stop();
      last.push(peer);
    }
    report(names.map((name, i) => `${name} ${times[i][pair].toFixed(0)} ms`).join("   "));
  }
  return summarise(options, last, times.map(series));
}

function benchTrace(options: BenchOptions): BenchResult {
  const { first, later, equations } = traceTimes(options);
  return {
    ...options,
    unit: "ms",
    ours: series([first, ...later]),
    how: {
      ocelli: `trace, differentiate and simplify ${equations.traced} equations to ${equations.simplified}; the first of ${later.length + 1} runs took ${first.toFixed(0)} ms`,
    },
    versions: { ocelli: { node: process.version } },
    machine: machine(),
  };
}

function summarise(
  options: BenchOptions,
  peers: readonly Peer[],
  [ours, peer]: readonly Series[],
  peakRss?: Record<string, number>,
): BenchResult {
  const by = <T>(pick: (peer: Peer) => T): Record<string, T> =>
    Object.fromEntries(peers.map((entry) => [entry.name, pick(entry)]));
  return {
    ...options,
    unit: "ms",
    ours,
    peer,
    ratio: peer && ours.min / peer.min,
    peakRss,
    startSeconds: by(({ ready }) => ready.startup_s),
    how: by(({ ready }) => ready.how),
    versions: by(({ ready }) => ready.versions),
    machine: machine(),
  };
}

/** A result as lines for people. */
export function describeBench(result: BenchResult): string {
  const { kind, model, size, batch, ours, peer, against, ratio, peakRss, how } = result;
  const show = (name: string, { min, median, all }: Series): string => {
    const memory = peakRss?.[name] ? `, peak ${peakRss[name].toFixed(0)} MB` : "";
    return `${name.padEnd(7)} min ${min.toFixed(1)} ms, median ${median.toFixed(1)} ms of ${all.length}${memory} (${how[name]})`;
  };
  return [
    `${kind} of ${model} at ${size} px, batch ${batch}; ${result.machine}`,
    show("ocelli", ours),
    ...(peer && against
      ? [show(against, peer), `ratio   ${ratio!.toFixed(2)} (ocelli / ${against}, of the minima)`]
      : []),
  ].join("\n");
}
