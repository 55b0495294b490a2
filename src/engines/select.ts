/** @file The engines by name, and which one to take. */

import { OcelliError, unknownName } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { type Mesh, showMesh } from "./mesh.ts";
import { type CpuBudget, cpuBudget } from "./threads.ts";
import { PLUGINS } from "./xla/plugins.ts";

interface EngineKind {
  readonly summary: string;
  /** Whether `auto` may take it. */
  readonly fast: boolean;
  /** Whether it computes over a mesh of devices. */
  readonly meshes?: boolean;
  open(budget: CpuBudget, mesh?: Mesh): Promise<Engine>;
}

/** XLA over a pinned plugin. It is taken by name: that it is installed does not say that its device is there. */
const xlaKind = (plugin: string, summary: string): EngineKind => ({
  summary,
  fast: false,
  meshes: true,
  open: async ({ engine: threads }, mesh) =>
    (await import("./xla/index.ts")).createXlaEngine({ plugin, threads, mesh }),
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

/** Options of {@link openEngine}. */
export interface OpenOptions {
  /** Threads; those of this machine unless given. */
  readonly budget?: CpuBudget;
  /** Devices to compute over, by axis; one device unless given. */
  readonly mesh?: Mesh;
}

/**
 * Opens an engine. `auto` takes the fastest one that opens, and never the interpreter; what it took is in the engine's
 * `name` and `description`.
 *
 * @throws an engine error where it cannot be opened; an argument error for a mesh on an engine of one device
 */
export async function openEngine(
  name = "auto",
  { budget = cpuBudget(), mesh }: OpenOptions = {},
): Promise<Engine> {
  if (name !== "auto") {
    if (!Object.hasOwn(ENGINES, name)) {
      throw unknownName("engine", name, ENGINE_NAMES, "argument");
    }
    if (mesh && !ENGINES[name].meshes) throw noMesh(name, mesh);
    return ENGINES[name].open(budget, mesh);
  }
  if (mesh) throw noMesh(name, mesh);
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

function noMesh(name: string, mesh: Mesh): OcelliError {
  const valid = Object.keys(ENGINES).filter((engine) => ENGINES[engine].meshes);
  return new OcelliError("argument", `--engine ${name} has no mesh ${showMesh(mesh)}.`, {
    given: name,
    valid,
    hint: `Take --engine ${valid.join(" or ")}.`,
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
