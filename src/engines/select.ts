/** @file The engines by name, and which one to take. */

import { totalmem } from "node:os";
import { OcelliError, unknownName } from "../errors.ts";
import type { JoinedCluster } from "./cluster/join.ts";
import type { Engine } from "./engine.ts";
import { type Mesh, showMesh } from "./mesh.ts";
import { type CpuBudget, cpuBudget } from "./threads.ts";
import type { XlaEngine } from "./xla/index.ts";
import { ownPlugins } from "./xla/own-plugins.ts";
import { PLUGINS } from "./xla/plugins.ts";

interface EngineKind {
  readonly summary: string;
  /** Whether `auto` may take it. */
  readonly fast: boolean;
  /** Whether it computes over a mesh of devices. */
  readonly meshes?: boolean;
  open(budget: CpuBudget, mesh?: Mesh, cluster?: JoinedCluster): Promise<Engine>;
  /** Bytes of memory that an opened engine computes in; the machine's unless given. */
  memoryOf?(engine: Engine): number | undefined;
}

/** XLA over a plugin. It is taken by name: that it is installed does not say that its device is there. */
const xlaKind = (plugin: string, summary: string): EngineKind => ({
  summary,
  fast: false,
  meshes: true,
  open: async ({ engine: threads }, mesh, cluster) => {
    const { connectXlaEngine, createXlaEngine } = await import("./xla/index.ts");
    const options = { plugin, threads, mesh };
    return cluster ? connectXlaEngine({ ...options, cluster }) : createXlaEngine(options);
  },
  memoryOf: (engine) => (engine as XlaEngine).memoryBytes,
});

/** Every engine of this machine; `auto` takes the first fast one that opens. */
function engineKinds(): Readonly<Record<string, EngineKind>> {
  const pinned = Object.entries(PLUGINS).map(([name, { summary }]) => [name, summary] as const);
  const own = ownPlugins().map((name) => [name, "XLA on a plugin of your own"] as const);
  return {
    ort: {
      summary: "ONNX Runtime, inside this process",
      fast: true,
      open: async ({ engine: threads }) =>
        (await import("./ort/index.ts")).createOrtEngine({ threads }),
    },
    ...Object.fromEntries(
      [...pinned, ...own].map(([name, summary]) => [name, xlaKind(name, summary)]),
    ),
    interpreter: {
      summary: "plain TypeScript, for tests and for explaining; slow",
      fast: false,
      open: async () => (await import("./interpreter/index.ts")).createInterpreter(),
    },
  };
}

const namesOf = (kinds: Readonly<Record<string, EngineKind>>): string[] => [
  "auto",
  ...Object.keys(kinds),
];

/** The names that {@link openEngine} takes; plugins of one's own that are installed are among them. */
export const ENGINE_NAMES: readonly string[] = namesOf(engineKinds());

/** Options of {@link openEngine}. */
export interface OpenOptions {
  /** Threads; those of this machine unless given. */
  readonly budget?: CpuBudget;
  /** Devices to compute over, by axis; one device unless given. */
  readonly mesh?: Mesh;
  /** The processes whose devices the mesh lies over; this one alone unless given. */
  readonly cluster?: JoinedCluster;
}

/**
 * Opens an engine. `auto` takes the fastest one that opens, and never the interpreter; what it took is in the engine's
 * `name` and `description`.
 *
 * @throws an engine error where it cannot be opened; an argument error for a mesh on an engine of one device
 */
export async function openEngine(
  name = "auto",
  { budget = cpuBudget(), mesh, cluster }: OpenOptions = {},
): Promise<Engine> {
  const kinds = engineKinds();
  if (name !== "auto") {
    if (!Object.hasOwn(kinds, name)) {
      throw unknownName("engine", name, namesOf(kinds), "argument");
    }
    if (mesh && !kinds[name].meshes) throw noMesh(name, mesh);
    return kinds[name].open(budget, mesh, cluster);
  }
  if (mesh) throw noMesh(name, mesh);
  const problems: string[] = [];
  for (const [candidate, { fast, open }] of Object.entries(kinds)) {
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
  const kinds = engineKinds();
  const valid = Object.keys(kinds).filter((engine) => kinds[engine].meshes);
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
  /** Memory of the device that it computes on; absent where it is not known. */
  readonly memoryBytes?: number;
}

/** Every engine, tried on this machine. */
export async function listEngines(budget: CpuBudget = cpuBudget()): Promise<EngineReport[]> {
  const reports: EngineReport[] = [];
  for (const [name, kind] of Object.entries(engineKinds())) {
    const { summary, fast } = kind;
    try {
      const engine = await kind.open(budget);
      const memoryBytes = kind.memoryOf ? kind.memoryOf(engine) : totalmem();
      const detail = engine.description;
      reports.push({ name, summary, fast, available: true, detail, memoryBytes });
      await engine.dispose();
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      reports.push({ name, summary, fast, available: false, detail });
    }
  }
  return reports;
}
