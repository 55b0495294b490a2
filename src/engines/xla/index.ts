/** @file The XLA engine: programs as StableHLO text, compiled and run by a PJRT plugin. */

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
import { Client, type ClientOptions, type DeviceMemory } from "./pjrt/client.ts";
import type { CompilerOption } from "./pjrt/compile-options.ts";
import { LoadedExecutable } from "./pjrt/executable.ts";
import { findPlugin } from "./plugins.ts";
import { lowerProgram } from "./stablehlo/module.ts";
import { checkSupported } from "./unsupported.ts";
import { type ProductPrecision, type Target, targetOf } from "./target.ts";

/** Options of {@link createXlaEngine}. */
export interface XlaOptions {
  /** The name of an installed plugin, or the file of any PJRT plugin. */
  readonly plugin?: string;
  /** Threads of the CPU plugin; the default is one a core. Only the first engine of a process can say. */
  readonly threads?: number;
  /** How float32 products are computed where the hardware has TF32. */
  readonly precision?: ProductPrecision;
  /** Devices by named axes that every program is split over; one device unless given. */
  readonly mesh?: Mesh;
  /** Options of the plugin's client, by the plugin's own names. */
  readonly client?: ClientOptions;
  /** XLA's compiler options (`xla_…`) by name. */
  readonly compiler?: Readonly<Record<string, CompilerOption>>;
}

/** The engine over a PJRT plugin. */
export class XlaEngine implements Engine {
  readonly name: string;
  readonly description: string;
  readonly target: Target;
  readonly mesh: Mesh | undefined;
  readonly #devices: Devices;
  readonly #compiler: Readonly<Record<string, CompilerOption>>;

  constructor(plugin: string, client: Client, { precision, compiler = {}, mesh }: XlaOptions) {
    const { major, minor } = client.api.version;
    const kinds = [...new Set(client.devices.map(({ kind }) => kind))].join(", ");
    this.name = plugin;
    const over = mesh ? `, mesh ${showMesh(mesh)}` : "";
    this.description = `XLA on ${client.devices.length} × ${kinds}${over}, PJRT ${major}.${minor}`;
    const target = targetOf(client.platform, precision);
    // merged axes of matrices cannot be split over two axes of a mesh
    this.target = mesh ? { ...target, flatProducts: false } : target;
    this.mesh = mesh;
    this.#devices = new Devices(client, mesh);
    this.#compiler = compiler;
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
    return new XlaExecutable({
      devices: this.#devices,
      loaded: new LoadedExecutable(client, loaded, count),
      name,
      inputs: program.inputs.map(specOf),
      outputs: program.outputs.map(specOf),
      donate,
      prints,
      placements,
    });
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

  dispose(): Promise<void> {
    return this.#devices.client.owner.close();
  }
}

/**
 * Opens the XLA engine over an installed plugin, or any PJRT plugin's file.
 *
 * @example
 * const engine = createXlaEngine({ plugin: "xla-cpu" });
 */
export function createXlaEngine(options: XlaOptions = {}): XlaEngine {
  const { plugin = "xla-cpu", threads, client: clientOptions, mesh } = options;
  const library = findPlugin(plugin);
  prepareEnvironment(threads);
  const onCpu: ClientOptions =
    plugin === "xla-cpu" ? { cpu_device_count: mesh ? meshSize(mesh) : 1 } : {};
  const cuda = cudaFolder(library);
  return new XlaEngine(plugin, new Client(library, { ...onCpu, ...clientOptions }), {
    ...options,
    compiler: { ...(cuda ? { xla_gpu_cuda_data_dir: cuda } : {}), ...options.compiler },
  });
}
