/** @file The XLA engine over a client of a plugin: compiles programs, holds arrays on its devices. */

import { totalmem } from "node:os";
import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import { type Tensor, specOf } from "../../graph/tensor.ts";
import type { Sharding } from "../../graph/ops/sharding.ts";
import type { CompileOptions, DeviceArray, Engine, ProcessPart, Rows } from "../engine.ts";
import { type Mesh, type Placement, showMesh } from "../mesh.ts";
import { Devices, wholeShape } from "./devices.ts";
import { XlaExecutable } from "./executable.ts";
import { XlaArray } from "./pjrt/array.ts";
import type { Client, ClientOptions, DeviceMemory } from "./pjrt/client.ts";
import type { CompilerOption } from "./pjrt/compile-options.ts";
import { LoadedExecutable } from "./pjrt/executable.ts";
import type { FoundPlugin } from "./find-plugin.ts";
import { lowerProgram } from "./stablehlo/module.ts";
import { checkSupported } from "./unsupported.ts";
import { type ProductPrecision, type Target, targetOf } from "./target.ts";

/** Options of an XLA engine. */
export interface XlaOptions {
  /** The name of an installed plugin, or the file of any PJRT plugin. Default: `xla-cpu`. */
  readonly plugin?: string;
  /** Threads of the CPU plugin; the default is one a core. Only the first engine of a process can say. */
  readonly threads?: number;
  /** How float32 products are computed where the hardware has TF32. */
  readonly precision?: ProductPrecision;
  /** Devices by named axes that every program is split over. Default: one device. */
  readonly mesh?: Mesh;
  /** Options of the plugin's client, by the plugin's own names. */
  readonly client?: ClientOptions;
  /** Whether programs that take more than the machine's memory are refused on CPUs before they run (true). */
  readonly checkMemory?: boolean;
  /** XLA's compiler options (`xla_…`) by name. */
  readonly compiler?: Readonly<Record<string, CompilerOption>>;
}

/** The plugin that is taken unless one is named. */
export const PLUGIN = "xla-cpu";

/** Bytes of memory that this process may take: the machine's, or its container's. */
const hostMemory = (): number => Math.min(totalmem(), process.constrainedMemory() || Infinity);

/** The engine over a PJRT plugin. */
export class XlaEngine implements Engine {
  readonly name: string;
  readonly description: string;
  readonly target: Target;
  readonly mesh: Mesh | undefined;
  readonly part: ProcessPart | undefined;
  /** Which operations of the programs compiled so far a whole kernel computes, and which not and why. */
  readonly notes = new Set<string>();
  readonly #devices: Devices;
  readonly #compiler: Readonly<Record<string, CompilerOption>>;
  readonly #checkMemory: boolean;
  #show: ((text: string) => void) | undefined;

  constructor(
    { build }: FoundPlugin,
    client: Client,
    { plugin = PLUGIN, precision, compiler = {}, mesh, checkMemory = true }: XlaOptions,
    among?: Pick<ProcessPart, "processes" | "index">,
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
    this.part = among && { ...among, places: this.#devices.places };
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
    const { text, prints, notes } = lowerProgram(simplify(program), this.target, {
      donate,
      name,
      placements: mesh && {
        mesh,
        inputs: placements.inputs as Placement[],
        outputs: placements.outputs as Placement[],
      },
    });
    for (const note of notes) this.notes.add(note);
    this.#show?.(text);
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

  async upload(array: HostArray, sharding?: Sharding, rows?: Rows): Promise<DeviceArray> {
    const whole = { ...array, shape: wholeShape(array, rows) };
    const placement = this.#devices.place(whole, sharding, "uploading");
    const buffers = await this.#devices.upload(array, placement, rows);
    return new XlaArray(this.#devices, buffers, whole, placement);
  }

  showPrograms(show: (text: string) => void): void {
    this.#show = show;
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
