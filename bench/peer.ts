/** @file A benchmark worker as a child process: it answers `run` with a time, and `stop` with its peak memory. */

import { fileURLToPath } from "node:url";
import { plainEnvironment } from "../src/engines/xla/environment.ts";
import { OcelliError, unknownName } from "../src/errors.ts";
import { openLines } from "./lines.ts";
import { pythonOf } from "./python.ts";

/** What a worker says once it is warm. */
export interface Ready {
  readonly params: number;
  /** Seconds from the start of the process to the dispatch of its first step. */
  readonly startup_s: number;
  readonly versions: Readonly<Record<string, string>>;
  /** What it runs, in a few words. */
  readonly how: string;
}

/** A warm worker. */
export interface Peer {
  readonly name: string;
  readonly ready: Ready;
  /** Milliseconds of one more step. */
  run(): Promise<number>;
  /** Ends the process; its peak resident memory in MB. */
  stop(): Promise<number>;
  /** Ends the process at once, such as after another worker has failed. */
  [Symbol.dispose](): void;
}

/** The same work for every worker. */
export interface Work {
  readonly model: string;
  readonly size: number;
  readonly batch: number;
  readonly work: "step" | "forward";
  readonly threads: number;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The peers' programs: for ViTs, and for convolutional networks. */
const SCRIPTS: Readonly<Record<string, { readonly vit: string; readonly conv?: string }>> = {
  torch: { vit: "peers/vit_torch.py", conv: "peers/conv_torch.py" },
  jax: { vit: "peers/vit_jax.py" },
};

/** The commands of the workers by name: ours, and the peers in Python. */
function commandOf(name: string, model: string, engine: string): string[] {
  if (name === "ocelli") return [process.execPath, here("worker.ts"), "--engine", engine];
  if (!Object.hasOwn(SCRIPTS, name)) throw unknownName("peer", name, Object.keys(SCRIPTS));
  const script = SCRIPTS[name][model.startsWith("vit-") ? "vit" : "conv"];
  if (script === undefined) {
    throw new OcelliError("argument", `the peer ${name} has no ${model}; it has vit-* alone.`, {
      hint: "Use --against torch.",
    });
  }
  return [pythonOf(name), "-B", here(script)];
}

/** Starts a worker and waits until it is warm. */
export async function startPeer(name: string, work: Work, engine: string): Promise<Peer> {
  const [command, ...first] = commandOf(name, work.model, engine);
  const flags = Object.entries(work).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const env = name === "ocelli" ? process.env : plainEnvironment();
  const lines = openLines(name, [command, ...first, ...flags], env);
  const ready = (await lines.next()) as Ready;
  const ask = (line: string) => lines.ask(line) as Promise<Record<string, number>>;
  return {
    name,
    ready,
    run: async () => (await ask("run")).ms,
    stop: async () => (await ask("stop")).peak_rss_mb,
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
}
