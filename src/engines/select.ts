/** @file The engines by name, and which one to take. */

import { OcelliError, unknownName } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { type CpuBudget, cpuBudget } from "./threads.ts";
import { PLUGINS } from "./xla/plugins.ts";

interface EngineKind {
  readonly summary: string;
  /** Whether `auto` may take it. */
  readonly fast: boolean;
  open(budget: CpuBudget): Promise<Engine>;
}

/** XLA over a pinned plugin. It is taken by name: that it is installed does not say that its device is there. */
const xlaKind = (plugin: string, summary: string): EngineKind => ({
  summary,
  fast: false,
  open: async ({ engine: threads }) =>
    (await import("./xla/index.ts")).createXlaEngine({ plugin, threads }),
});

/** Every engine; `auto` takes the first fast one that opens. */
const ENGINES: Readonly<Record<string, EngineKind>> = {
  ort: {
    summary: "ONNX Runtime, inside this process",
    fast: true,
    open: async ({ engine: threads }) =>
      (await import("./ort/index.ts")).createOrtEngine({ threads }),
  },
  ...Object.fromEntries(
    Object.entries(PLUGINS).map(([name, { summary }]) => [name, xlaKind(name, summary)]),
  ),
  interpreter: {
    summary: "plain TypeScript, for tests and for explaining; slow",
    fast: false,
    open: async () => (await import("./interpreter/index.ts")).createInterpreter(),
  },
};

/** The names that {@link openEngine} takes. */
export const ENGINE_NAMES: readonly string[] = ["auto", ...Object.keys(ENGINES)];

/**
 * Opens an engine. `auto` takes the fastest one that opens, and never the interpreter; what it took is in the engine's
 * `name` and `description`.
 */
export async function openEngine(name = "auto", budget: CpuBudget = cpuBudget()): Promise<Engine> {
  if (name !== "auto") {
    if (!Object.hasOwn(ENGINES, name)) {
      throw unknownName("engine", name, ENGINE_NAMES, "argument");
    }
    return ENGINES[name].open(budget);
  }
  const problems: string[] = [];
  for (const [candidate, { fast, open }] of Object.entries(ENGINES)) {
    if (!fast) continue;
    try {
      return await open(budget);
    } catch (error) {
      problems.push(`${candidate}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new OcelliError("engine", `no engine can be opened. ${problems.join(" ")}`, {
    hint: "Install the packages again (npm ci), or take --engine interpreter, which is slow.",
  });
}

/** What is known of an engine on this machine. */
export interface EngineReport {
  readonly name: string;
  readonly summary: string;
  readonly available: boolean;
  /** Whether `auto` may take it. */
  readonly fast: boolean;
  /** What runs underneath, or why it does not. */
  readonly detail: string;
}

/** Every engine, tried on this machine. */
export async function listEngines(budget: CpuBudget = cpuBudget()): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const [name, { summary, fast, open }] of Object.entries(ENGINES)) {
    try {
      const engine = await open(budget);
      reports.push({ name, summary, fast, available: true, detail: engine.description });
      await engine.dispose();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      reports.push({ name, summary, fast, available: false, detail });
    }
  }
  return reports;
}
