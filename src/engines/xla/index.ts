/** @file The XLA engine: programs as StableHLO text, compiled and run by a PJRT plugin. */

import { totalmem } from "node:os";
import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import { type Tensor, specOf } from "../../graph/tensor.ts";
import type { Sharding } from "../../graph/ops/sharding.ts";
import type { CompileOptions, DeviceArray, Engine } from "../engine.ts";
import { type Mesh, type Placement, meshSize, showMesh } from "../mesh.ts";
import { Devices } from "./devices.ts";
import { prepareEnvironment } from "./environment.ts";
import { XlaExecutable } from "./executable.ts";
import { XlaArray } from "./pjrt/array.ts";
import { cudaFolder } from "./pjrt/companions.ts";
import {
  type Client,
  type ClientOptions,
  type DeviceMemory,
  connectClient,
  createClient,
} from "./pjrt/client.ts";
import type { CompilerOption } from "./pjrt/compile-options.ts";
import { LoadedExecutable } from "./pjrt/executable.ts";
import { type FoundPlugin, findPlugin } from "./find-plugin.ts";
import type { KeyValueStore } from "./pjrt/store.ts";
import { lowerProgram } from "./stablehlo/module.ts";
import { checkSupported } from "./unsupported.ts";
import { type ProductPrecision, type Target, targetOf } from "./target.ts";

/** Options of {@link createXlaEngine}. */
export interface XlaOptions {
  /** The name of an installed plugin, or the file of any PJRT plugin; `xla-cpu` unless given. */
  readonly plugin?: string;
  /** Threads of the CPU plugin; the default is one a core. Only the first engine of a process can say. */
  readonly threads?: number;
  /** How float32 products are computed where the hardware has TF32. */
  readonly precision?: ProductPrecision;
  /** Devices by named axes that every program is split over; one device unless given. */
  readonly mesh?: Mesh;
  /** Options of the plugin's client, by the plugin's own names. */
  readonly client?: ClientOptions;
  /** Whether programs that take more than the machine's memory are refused on CPUs before they run (true). */
  readonly checkMemory?: boolean;
  /** XLA's compiler options (`xla_…`) by name. */
  readonly compiler?: Readonly<Record<string, CompilerOption>>;
}

const PLUGIN = "xla-cpu";

/** Bytes of memory that this process may take: the machine's, or its container's. */
const hostMemory = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

/** The engine over a PJRT plugin. */
export class XlaEngine implements Engine {
  readonly name: string;
  readonly description: string;
  readonly target: Target;
  readonly mesh: Mesh | undefined;
  readonly #devices: Devices;
  readonly #compiler: Readonly<Record<string, CompilerOption>>;
  readonly #checkMemory: boolean;

  constructor(
    { build }: FoundPlugin,
    client: Client,
    { plugin = PLUGIN, precision, compiler = {}, mesh, checkMemory = true }: XlaOptions,
  ) {
    const { major, minor } = client.api.version;
    const kinds = [...new Set(client.devices.map(({ kind }) => kind))].join(", ");
    this.name = plugin;
    const over = mesh ? `, mesh ${showMesh(mesh)}` : "";
    this.description = `XLA on ${client.devices.length} × ${kinds}${over}, ${build}, PJRT ${major}.${minor}`;
    const target = targetOf(client.platform, precision);
    // merged axes of matrices cannot be split over two axes of a mesh
    this.target = mesh ? { ...target, flatProducts: false } : target;
    this.mesh = mesh;
    this.#devices = new Devices(client, mesh);
    this.#compiler = compiler;
    this.#checkMemory = checkMemory && target.platform === "cpu";
  }

  async compile(program: Program, options: CompileOptions = {}): Promise<XlaExecutable> {
    const { donate = [], name = "program", shardings = {} } = options;
    checkSupported(program);
    const { client, mesh, partitioning, count } = this.#devices;
    const placed = (specs: readonly Tensor[], given: readonly (Sharding | undefined)[] = []) =>
      specs.map((spec, i) => this.#devices.place(spec, given[i], `${name}:`));
    const placements = {
      inputs: placed(program.inputs, shardings.inputs),
      outputs: placed(program.outputs, shardings.outputs),
    };
    const { text, prints } = lowerProgram(simplify(program), this.target, {
      donate,
      name,
      placements: mesh && {
        mesh,
        inputs: placements.inputs as Placement[],
        outputs: placements.outputs as Placement[],
      },
    });
    const compiler = { ...this.target.compiler, ...this.#compiler };
    const loaded = await client.compile(text, compiler, partitioning);
    const executable = new XlaExecutable({
      devices: this.#devices,
      loaded: new LoadedExecutable(client, loaded, count),
      name,
      inputs: program.inputs.map(specOf),
      outputs: program.outputs.map(specOf),
      donate,
      prints,
      placements,
    });
    if (this.#checkMemory) executable.checkFits(hostMemory());
    return executable;
  }

  async upload(array: HostArray, sharding?: Sharding): Promise<DeviceArray> {
    const placement = this.#devices.place(array, sharding, "uploading");
    const buffers = await this.#devices.upload(array, placement);
    return new XlaArray(this.#devices, buffers, array, placement);
  }

  /** The memory of the first device; undefined where the plugin keeps no count. */
  get memory(): DeviceMemory | undefined {
    return this.#devices.client.memory();
  }

  /** Bytes that the first device has: the machine's memory on CPUs; undefined where the plugin does not say. */
  get memoryBytes(): number | undefined {
    return this.target.platform === "cpu" ? hostMemory() : this.memory?.limit;
  }

  dispose(): Promise<void> {
    return this.#devices.client.owner.close();
  }
}

/** What to open: the plugin, the options of its client, and those of the engine. */
function prepare(options: XlaOptions) {
  const { plugin = PLUGIN, threads, client, mesh } = options;
  const found = findPlugin(plugin);
  prepareEnvironment(threads);
  const onCpu: ClientOptions = found.onCpu ? { cpu_device_count: mesh ? meshSize(mesh) : 1 } : {};
  const cuda = cudaFolder(found.library);
  const compiler = { ...(cuda ? { xla_gpu_cuda_data_dir: cuda } : {}), ...options.compiler };
  return { found, client: { ...onCpu, ...client }, options: { ...options, compiler } };
}

/**
 * Opens the XLA engine over an installed plugin, or any PJRT plugin's file.
 *
 * @example
 * const engine = createXlaEngine({ plugin: "xla-cpu" });
 */
export function createXlaEngine(given: XlaOptions = {}): XlaEngine {
  const { found, client, options } = prepare(given);
  return new XlaEngine(found, createClient(found.library, client), options);
}

/** A process's place among those that compute together. */
export interface Cluster {
  readonly processes: number;
  /** Of this process, from 0. */
  readonly index: number;
  /** Where they find one another. */
  readonly store: KeyValueStore;
}

/**
 * Opens the XLA engine in one process of several, each of which does the same: the mesh lies over the devices of all.
 *
 * @example
 * const store = folderStore("/shared/starts/17");
 * const cluster = { processes: 2, index: 0, store };
 * const engine = await connectXlaEngine({ plugin: "xla-cuda13", mesh: { data: 16 }, cluster });
 */
export async function connectXlaEngine({
  cluster: { processes, index, store },
  ...given
}: XlaOptions & { readonly cluster: Cluster }): Promise<XlaEngine> {
  const { found, client, options } = prepare(given);
  const place = { num_nodes: processes, node_id: index };
  return new XlaEngine(
    found,
    await connectClient(found.library, { ...place, ...client }, store),
    options,
  );
}

export { folderStore } from "./pjrt/store.ts";
