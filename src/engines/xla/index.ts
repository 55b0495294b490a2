/** @file The XLA engine: programs as StableHLO text, compiled and run by a PJRT plugin. */

import type { HostArray } from "../../graph/dtype.ts";
import type { Program } from "../../graph/program.ts";
import { simplify } from "../../graph/simplify.ts";
import { specOf } from "../../graph/tensor.ts";
import type { CompileOptions, DeviceArray, Engine } from "../engine.ts";
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
  readonly #client: Client;
  readonly #compiler: Readonly<Record<string, CompilerOption>>;

  constructor(plugin: string, client: Client, { precision, compiler = {} }: XlaOptions) {
    const { major, minor } = client.api.version;
    const kinds = [...new Set(client.devices.map(({ kind }) => kind))].join(", ");
    this.name = plugin;
    this.description = `XLA on ${client.devices.length} × ${kinds}, PJRT ${major}.${minor}`;
    this.target = targetOf(client.platform, precision);
    this.#client = client;
    this.#compiler = compiler;
  }

  async compile(program: Program, options: CompileOptions = {}): Promise<XlaExecutable> {
    const { donate = [], name = "program" } = options;
    checkSupported(program);
    const { text, prints } = lowerProgram(simplify(program), this.target, { donate, name });
    const loaded = await this.#client.compile(text, {
      ...this.target.compiler,
      ...this.#compiler,
    });
    return new XlaExecutable({
      client: this.#client,
      loaded: new LoadedExecutable(this.#client, loaded),
      name,
      inputs: program.inputs.map(specOf),
      outputs: program.outputs.map(specOf),
      donate,
      prints,
    });
  }

  async upload(array: HostArray): Promise<DeviceArray> {
    return new XlaArray(this.#client, await this.#client.upload(array), array);
  }

  /** The memory of the first device; undefined where the plugin keeps no count. */
  get memory(): DeviceMemory | undefined {
    return this.#client.memory();
  }

  dispose(): Promise<void> {
    return this.#client.owner.close();
  }
}

/**
 * Opens the XLA engine over an installed plugin, or any PJRT plugin's file.
 *
 * @example
 * const engine = createXlaEngine({ plugin: "xla-cpu" });
 */
export function createXlaEngine(options: XlaOptions = {}): XlaEngine {
  const { plugin = "xla-cpu", threads, client: clientOptions } = options;
  const library = findPlugin(plugin);
  prepareEnvironment(threads);
  const onCpu: ClientOptions = plugin === "xla-cpu" ? { cpu_device_count: 1 } : {};
  const cuda = cudaFolder(library);
  return new XlaEngine(plugin, new Client(library, { ...onCpu, ...clientOptions }), {
    ...options,
    compiler: { ...(cuda ? { xla_gpu_cuda_data_dir: cuda } : {}), ...options.compiler },
  });
}
