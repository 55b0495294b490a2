/** @file Whether a run is still training, judged by its files; it may be on another machine. */

import type { HolderState } from "./lock/holder.ts";
import type { Json } from "./read-config.ts";
import type { MetricsTail } from "./read-lines.ts";

/** How a run stands. */
export type RunState = "running" | "finished" | "interrupted" | "unreadable";

/** What a state is told from. */
interface Evidence {
  readonly result: Json;
  readonly metrics: MetricsTail;
  /** When the files were last written, in milliseconds. */
  readonly files: Readonly<Partial<Record<string, number>>>;
  readonly now: number;
  /** The process that the folder's lock names. */
  readonly writer?: { readonly name: string; readonly state: HolderState };
}

/** A run that writes nothing for this long has stopped, unless its lines come slower: seconds. */
const PATIENCE = 180;
/** Compiling and the first steps may take longer than that. */
const FIRST_PATIENCE = 600;
/** How many times the usual interval between lines is waited. */
const INTERVALS = 10;

/**
 * The state of a run. `result.json` decides, unless metrics went on behind it (a resumed run). Without it, the process
 * that its lock names does; where that cannot be asked for, a run whose metrics were written lately is running, and
 * another was interrupted: killed, or its machine was.
 */
export function stateOf({ result, metrics, files, now, writer }: Evidence): {
  state: RunState;
  why: string;
} {
  const steps = typeof result.steps === "number" ? result.steps : undefined;
  if (steps !== undefined && metrics.step <= steps) {
    return result.interrupted === true
      ? { state: "interrupted", why: `stopped on demand after step ${steps}` }
      : { state: "finished", why: `result.json of step ${steps}` };
  }
  if (writer?.state === "alive") return { state: "running", why: `${writer.name} writes it` };
  if (writer?.state === "ended") {
    return { state: "interrupted", why: `no result; ${writer.name} has ended` };
  }
  const began = files.environment ?? files.config ?? 0;
  const last = files.metrics ?? began;
  const interval = metrics.lines > 0 ? Math.max(0, last - began) / 1000 / metrics.lines : 0;
  const patience = Math.max(metrics.lines > 0 ? PATIENCE : FIRST_PATIENCE, INTERVALS * interval);
  const idle = Math.max(0, now - last) / 1000;
  const ago = `last written ${showAgo(idle)} ago`;
  return idle <= patience
    ? { state: "running", why: `no result yet; metrics ${ago}` }
    : { state: "interrupted", why: `no result; metrics ${ago}` };
}

/** Seconds in the largest fitting unit, such as `3 min`. */
function showAgo(seconds: number): string {
  const units = [
    [86_400, "d"],
    [3600, "h"],
    [60, "min"],
  ] as const;
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}
