/** @file The engines by name, and which one to take. */

import { cpus, totalmem } from "node:os";
import { OcelliError, unknownName } from "../errors.ts";
import type { JoinedCluster } from "./cluster/join.ts";
import type { Engine } from "./engine.ts";
import type { Candidate } from "./fastest.ts";
import { type Mesh, showMesh } from "./mesh.ts";
import { hardwareAdapter, listAdapters } from "./ort/runtime/gpu/adapters.ts";
import { type CpuBudget, cpuBudget } from "./threads.ts";
import type { XlaEngine } from "./xla/index.ts";
import { ownPlugin, ownPlugins } from "./xla/own-plugins.ts";
import { PLUGINS, installedPlugins } from "./xla/plugins.ts";
import type { ProductPrecision } from "./xla/target.ts";

interface EngineKind {
  readonly summary: string;
  /** Whether `auto` may take it. */
  readonly fast: boolean;
  /** Whether it computes over a mesh of devices. */
  readonly meshes?: boolean;
  /** Whether its products may be TF32's. */
  readonly tf32?: boolean;
  open(budget: CpuBudget, options?: DeviceOptions): Promise<Engine>;
  /** Bytes of memory that an opened engine computes in. Default: the machine's. */
  memoryOf?(engine: Engine): number | undefined;
}

/** XLA over a plugin. It is taken by name: that it is installed does not say that its device is there. */
const xlaKind = (plugin: string, summary: string): EngineKind => ({
  summary,
  fast: false,
  meshes: true,
  tf32: ownPlugin(plugin)?.platform === "cuda" || /^xla-cuda\d+$/.test(plugin),
  open: async ({ engine: threads }, { mesh, products: precision, cluster } = {}) => {
    const { connectXlaEngine, createXlaEngine } = await import("./xla/index.ts");
    const options = { plugin, threads, mesh, precision };
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
    "ort-webgpu": {
      summary: "a GPU through ONNX Runtime's WebGPU (Metal, Direct3D 12, Vulkan)",
      fast: false,
      open: async ({ engine: threads }) =>
        (await import("./ort/index.ts")).createWebGpuEngine({ threads }),
      memoryOf: () => undefined,
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

/**
 * The devices that `auto` may choose from: the accelerators of this machine that an engine is installed for, then the
 * processor. Software that poses as a GPU is none.
 */
export function deviceCandidates(
  budget: CpuBudget = cpuBudget(),
  adapters = listAdapters(),
): Candidate[] {
  const kinds = engineKinds();
  const candidate = (name: string, device: string): Candidate => ({
    name,
    device,
    open: () => kinds[name].open(budget),
  });
  const plugins = [...installedPlugins(), ...ownPlugins()].flatMap((name) => {
    const platform = ownPlugin(name)?.platform ?? name.replace(/^xla-/, "");
    return platform === "cpu" ? [] : [candidate(name, platform)];
  });
  const gpu = hardwareAdapter(adapters);
  const processor = cpus()[0]?.model.trim() ?? "processor";
  return [
    ...plugins,
    ...(gpu === undefined ? [] : [candidate("ort-webgpu", gpu)]),
    candidate("ort", processor),
  ];
}

const namesOf = (kinds: Readonly<Record<string, EngineKind>>): string[] => [
  "auto",
  ...Object.keys(kinds),
];

/** The names that {@link openEngine} takes; plugins of one's own that are installed are among them. */
export const ENGINE_NAMES: readonly string[] = namesOf(engineKinds());

/** What only some engines have. */
interface DeviceOptions {
  /** Devices to compute over, by axis. Default: one device. */
  readonly mesh?: Mesh;
  /** How float32 products are computed. Default: as float32. */
  readonly products?: ProductPrecision;
  /** The processes whose devices the mesh lies over. Default: this one alone. */
  readonly cluster?: JoinedCluster;
}

/** Options of {@link openEngine}. */
export interface OpenOptions extends DeviceOptions {
  /** Threads. Default: those of this machine. */
  readonly budget?: CpuBudget;
}

/**
 * Opens an engine. `auto` takes the fastest one that opens, and never the interpreter; what it took is in the engine's
 * `name` and `description`.
 *
 * @throws an engine error where it cannot be opened; an argument error for a mesh or TF32 on an engine without
 */
export async function openEngine(
  name = "auto",
  { budget = cpuBudget(), ...options }: OpenOptions = {},
): Promise<Engine> {
  const kinds = engineKinds();
  if (name !== "auto") {
    if (!Object.hasOwn(kinds, name)) {
      throw unknownName("engine", name, namesOf(kinds), "argument");
    }
    checkHas(name, options, kinds);
    return kinds[name].open(budget, options);
  }
  checkHas(name, options, kinds);
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

/** An error where an engine lacks what is asked for; `auto` takes none that has it. */
function checkHas(
  name: string,
  { mesh, products }: DeviceOptions,
  kinds: Readonly<Record<string, EngineKind>>,
): void {
  const kind = name === "auto" ? undefined : kinds[name];
  const lacks = (what: string, has: (kind: EngineKind) => boolean | undefined): OcelliError => {
    const valid = Object.keys(kinds).filter((engine) => has(kinds[engine]));
    return new OcelliError("argument", `--engine ${name} has no ${what}.`, {
      given: name,
      valid,
      hint: `Take --engine ${valid.join(" or ")}.`,
    });
  };
  if (mesh && !kind?.meshes) throw lacks(`mesh ${showMesh(mesh)}`, ({ meshes }) => meshes);
  if (products === "tf32" && !kind?.tf32) throw lacks("products in TF32", ({ tf32 }) => tf32);
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
