/**
 * @file A GPU in Node without CUDA: ONNX Runtime's WebGPU provider (Dawn over Metal, Direct3D 12 or Vulkan), which
 * `onnxruntime-node` holds for every desktop, through the C API.
 */

import { OcelliError } from "../../../../errors.ts";
import { encodeModel } from "../../../../formats/onnx-encode.ts";
import type { OnnxNode } from "../../../../formats/onnx.ts";
import { modelOf } from "../../model.ts";
import { type Adapter, bestAdapter, listAdapters } from "./adapters.ts";
import { type OrtApi, type Pointer, openCApi } from "../c-api.ts";
import { type Copied, DeviceBuffer, DeviceMemory } from "./device-buffer.ts";
import { NativeRuntime } from "../native.ts";
import { type SessionHost, createNativeSession } from "../native-session.ts";
import { type Place, processorPlace } from "../place.ts";
import { RECORD_PLACEMENT } from "./placement.ts";
import { RunQueue } from "../queue.ts";
import type { GpuTraits } from "../runtime.ts";

/** How names of the provider's options begin. */
const PROVIDER = "ep.webgpuexecutionprovider";

/** ONNX Runtime on a GPU. */
export class WebGpuRuntime extends NativeRuntime<DeviceBuffer> {
  override readonly gpu: GpuTraits;
  readonly #memory: DeviceMemory;

  constructor(threads: number, memory: DeviceMemory, { name, ...gpu }: Device) {
    const place = gpuPlace(memory, name, (settings) => putOnGpu(memory.api, settings, gpu));
    super({ api: memory.api, threads, place, queue: memory.queue });
    this.#memory = memory;
    this.gpu = gpu;
  }

  /** Bytes copied between host and device since it was opened. */
  get copied(): Copied {
    return this.#memory.copied;
  }
}

/** The GPU that was opened, and its name for people. */
interface Device extends GpuTraits {
  readonly name: string;
}

function gpuPlace(
  memory: DeviceMemory,
  name: string,
  configure: Place<DeviceBuffer>["configure"],
): Place<DeviceBuffer> {
  return {
    name,
    concurrent: false,
    inPlace: false, // WebGPU forbids a shader to read and write one buffer through two bindings
    configure,
    allocate: (dtype, shape) => new DeviceBuffer(memory, dtype, shape),
    get memory() {
      return { live: memory.live, idle: 0 };
    },
    trim: () => undefined,
    close: () => memory.close(),
  };
}

/** The GPU, as far as it can be named, such as "WebGPU on SwiftShader Device (Subzero), software". */
const nameOf = (adapter: Adapter | undefined): string => {
  if (!adapter) return process.platform === "darwin" ? "WebGPU on Metal" : "WebGPU";
  return `WebGPU on ${adapter.name}${adapter.kind === "software" ? ", software" : ""}`;
};

/** The largest piece of an array that every adapter of WebGPU can show a shader. */
const LEAST_STORAGE = 128 * 2 ** 20;

function putOnGpu(
  api: OrtApi,
  settings: Pointer,
  { maxStorageBytes }: Pick<GpuTraits, "maxStorageBytes">,
): void {
  const limit = String(maxStorageBytes);
  api.call("AddSessionConfigEntry", settings, `${PROVIDER}.maxStorageBufferBindingSize`, limit);
  api.call("AddSessionConfigEntry", settings, RECORD_PLACEMENT, "1");
  api.call("AddSessionConfigEntry", settings, `${PROVIDER}.preferredLayout`, "NCHW");
  api.call("SessionOptionsAppendExecutionProvider", settings, "WebGPU", null, null, 0);
}

/** The bytes of a model from x to y, float32 [1]. */
function tinyModel(nodes: readonly OnnxNode[]): Uint8Array {
  const value = (name: string) => ({ name, dtype: "float32" as const, shape: [1] });
  const graph = { name: "tiny", nodes, inputs: [value("x")], outputs: [value("y")] };
  return encodeModel(modelOf(graph)).model;
}

const identity = (): Uint8Array =>
  tinyModel([{ opType: "Identity", inputs: ["x"], outputs: ["y"] }]);

/** x + x in float16. */
const halves = (): Uint8Array =>
  tinyModel([
    { opType: "Cast", inputs: ["x"], outputs: ["h"], attributes: { to: { i: 10 } } },
    { opType: "Add", inputs: ["h", "h"], outputs: ["s"] },
    { opType: "Cast", inputs: ["s"], outputs: ["y"], attributes: { to: { i: 1 } } },
  ]);

/** Whether a session computes with float16: a GPU without `shader-f16` fails when it runs. */
async function computesHalves(host: SessionHost): Promise<boolean> {
  const { api } = host;
  const place = processorPlace(api);
  try {
    await using session = await createNativeSession(host, halves(), {});
    using x = place.allocate("float32", [1]);
    using y = place.allocate("float32", [1]);
    x.write(Float32Array.of(1.5));
    await session.run([x], [y]);
    return true;
  } catch {
    return false;
  } finally {
    await place.close();
  }
}

const noGpu = (reason: string, cause?: unknown): OcelliError =>
  new OcelliError("engine", `no GPU can be used through WebGPU: ${reason}.`, {
    hint: "It needs a driver for Vulkan (Linux), Direct3D 12 (Windows) or Metal (macOS); --engine ort computes on the processor.",
    cause,
  });

/** How a GPU is opened. */
export interface WebGpuOptions {
  readonly threads: number;
  /**
   * The most bytes of an array that a shader may see in one piece, from 128 MB on; a process has one such limit. Default:
   * the adapter's own.
   */
  readonly maxStorageBytes?: number;
}

/**
 * Opens the GPU that Dawn chooses, the fastest of the machine.
 *
 * @throws an engine error where ONNX Runtime's C API cannot be used, or the machine has no adapter
 */
export async function createWebGpuRuntime({
  threads,
  maxStorageBytes,
}: WebGpuOptions): Promise<WebGpuRuntime> {
  const adapters = listAdapters();
  if (process.platform === "linux" && !adapters?.length) throw noGpu("Vulkan finds no adapter");
  const adapter = adapters && bestAdapter(adapters);
  const limits = {
    maxStorageBytes: maxStorageBytes ?? adapter?.maxStorageBytes ?? LEAST_STORAGE,
  };
  const api = openCApi();
  const queue = new RunQueue();
  const runOptions = api.create("CreateRunOptions");
  const configure = (settings: Pointer): void => putOnGpu(api, settings, limits);
  const host = { api, queue, runOptions, threads, configure, onGpu: true };
  try {
    const session = await createNativeSession(host, identity(), {});
    const float16 = await computesHalves(host);
    return new WebGpuRuntime(threads, new DeviceMemory(queue, api, session), {
      ...{ name: nameOf(adapter), float16 },
      ...limits,
    });
  } catch (cause) {
    throw noGpu(cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    api.release("ReleaseRunOptions", runOptions);
  }
}
