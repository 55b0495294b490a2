/** @file Which of a machine's devices is fastest for a piece of work: timed once, then remembered. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../files.ts";
import { cacheFolder, writableCache } from "../packages/cache.ts";
import type { Engine } from "./engine.ts";

/** A device that may do the work. */
export interface Candidate {
  /** The engine's name. */
  readonly name: string;
  /** What it runs on, as people know it. */
  readonly device: string;
  open(): Promise<Engine>;
}

/** Milliseconds by engine; absent where the device failed. */
type Timings = Readonly<Record<string, number>>;

/** Where earlier timings are kept. */
export interface TimingStore {
  get(key: string): Promise<Timings | undefined>;
  put(key: string, timings: Timings): Promise<void>;
}

/** The engine that was taken, and the reason. */
export interface Choice {
  readonly engine: Engine;
  /** For people; undefined where there was nothing to choose from. */
  readonly because?: string;
}

/**
 * Opens the fastest of some devices. Each is timed at the work itself, unless an earlier choice between the same devices
 * for work of the same size is remembered. A device that fails is left out, and the reason says why.
 *
 * @param size what the time depends on, such as the number of parameters
 * @param time milliseconds that an engine takes
 * @throws what the last device threw, where all fail
 */
export async function openFastest(
  candidates: readonly Candidate[],
  size: string,
  time: (engine: Engine) => Promise<number>,
  store: TimingStore = fileStore(),
): Promise<Choice> {
  if (candidates.length === 1) return { engine: await candidates[0].open() };
  const key = [...candidates.map(({ name, device }) => `${name} on ${device}`), size].join("; ");
  const before = await store.get(key);
  const known = before && fastest(candidates, before);
  if (known) {
    try {
      return { engine: await known.open(), because: `timed earlier: ${show(candidates, before)}` };
    } catch {
      // it is timed again, which says why it cannot be opened
    }
  }
  const timings: Record<string, number> = {};
  const failures: string[] = [];
  let kept: Engine | undefined;
  let error: unknown;
  for (const { name, open } of candidates) {
    let engine: Engine | undefined;
    try {
      engine = await open();
      const ms = await time(engine);
      const isBest = Object.values(timings).every((other) => ms < other);
      timings[name] = ms;
      const worse = isBest ? kept : engine;
      if (isBest) kept = engine;
      await worse?.dispose();
    } catch (cause) {
      error = cause;
      failures.push(`${name} failed: ${cause instanceof Error ? cause.message : String(cause)}`);
      await engine?.dispose();
    }
  }
  if (!kept) throw error;
  if (failures.length === 0) await store.put(key, timings);
  return { engine: kept, because: [show(candidates, timings), ...failures].join("; ") };
}

function fastest(candidates: readonly Candidate[], timings: Timings): Candidate | undefined {
  const timed = candidates.filter(({ name }) => Object.hasOwn(timings, name));
  return timed.sort((a, b) => timings[a.name] - timings[b.name])[0];
}

const show = (candidates: readonly Candidate[], timings: Timings): string =>
  candidates
    .filter(({ name }) => Object.hasOwn(timings, name))
    .map(({ name, device }) => `${name} (${device}) ${timings[name].toPrecision(3)} ms a step`)
    .join(", ");

/** Timings in the user's cache. */
function fileStore(folder = cacheFolder("engines")): TimingStore {
  const readAll = async (path: string): Promise<Record<string, Timings>> => {
    try {
      return JSON.parse(await readFile(path, "utf8")) as Record<string, Timings>;
    } catch {
      return {}; // none yet, or damaged: devices are timed again
    }
  };
  const pathOf = async (): Promise<string> => join(await writableCache(folder), "timings.json");
  return {
    get: async (key) => {
      const all = await readAll(await pathOf());
      return Object.hasOwn(all, key) ? all[key] : undefined;
    },
    put: async (key, timings) => {
      const path = await pathOf();
      const all = { ...(await readAll(path)), [key]: timings };
      await writeAtomically(path, `${JSON.stringify(all, null, 2)}\n`);
    },
  };
}
