/**
 * @file A GPU in Node without CUDA: ONNX Runtime's WebGPU provider (Dawn over Metal, Direct3D 12 or Vulkan), which
 * `onnxruntime-node` holds for every desktop, through the C API.
 */

import { OcelliError } from "../../../../errors.ts";
import { encodeModel } from "../../../../formats/onnx-encode.ts";
import type { OnnxNode } from "../../../../formats/onnx.ts";
import { modelOf } from "../../model.ts";
import { hardwareAdapter, listAdapters } from "./adapters.ts";
import { type OrtApi, type Pointer, openCApi } from "../c-api.ts";
import { type Copied, DeviceBuffer, DeviceMemory } from "./device-buffer.ts";
import { NativeRuntime } from "../native.ts";
import { type SessionHost, createNativeSession } from "../native-session.ts";
import { type Place, processorPlace } from "../place.ts";
import { RECORD_PLACEMENT } from "./placement.ts";
import { RunQueue } from "../queue.ts";
import type { GpuTraits } from "../runtime.ts";

/** ONNX Runtime on a GPU. */
export class WebGpuRuntime extends NativeRuntime<DeviceBuffer> {
  override readonly gpu: GpuTraits;
  readonly #memory: DeviceMemory;

  constructor(threads: number, memory: DeviceMemory, gpu: GpuTraits) {
    super({ api: memory.api, threads, place: gpuPlace(memory), queue: memory.queue });
    this.#memory = memory;
    this.gpu = gpu;
  }

  /** Bytes copied between host and device since it was opened. */
  get copied(): Copied {
    return this.#memory.copied;
  }
}

function gpuPlace(memory: DeviceMemory): Place<DeviceBuffer> {
  return {
    name: gpuName(),
    concurrent: false,
    inPlace: false, // WebGPU forbids a shader to read and write one buffer through two bindings
    configure: (settings) => putOnGpu(memory.api, settings),
    allocate: (dtype, shape) => new DeviceBuffer(memory, dtype, shape),
    get memory() {
      return { live: memory.live, idle: 0 };
    },
    trim: () => undefined,
    close: () => memory.close(),
  };
}

/** The GPU, as far as it can be named, such as "WebGPU on SwiftShader Device (Subzero), software". */
function gpuName(): string {
  const adapters = listAdapters();
  const name = hardwareAdapter(adapters);
  const software = adapters?.[0];
  if (name) return `WebGPU on ${name}`;
  return software ? `WebGPU on ${software.name}, software` : "WebGPU";
}

function putOnGpu(api: OrtApi, settings: Pointer): void {
  api.call("AddSessionConfigEntry", settings, RECORD_PLACEMENT, "1");
  api.call("AddSessionConfigEntry", settings, "ep.webgpuexecutionprovider.preferredLayout", "NCHW");
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

/**
 * Opens the GPU that Dawn chooses, the fastest of the machine.
 *
 * @throws an engine error where ONNX Runtime's C API cannot be used, or the machine has no adapter
 */
export async function createWebGpuRuntime({
  threads,
}: {
  threads: number;
}): Promise<WebGpuRuntime> {
  if (process.platform === "linux" && !listAdapters()?.length)
    throw noGpu("Vulkan finds no adapter");
  const api = openCApi();
  const queue = new RunQueue();
  const runOptions = api.create("CreateRunOptions");
  const configure = (settings: Pointer): void => putOnGpu(api, settings);
  const host = { api, queue, runOptions, threads, configure, onGpu: true };
  try {
    const session = await createNativeSession(host, identity(), {});
    const float16 = await computesHalves(host);
    return new WebGpuRuntime(threads, new DeviceMemory(queue, api, session), { float16 });
  } catch (cause) {
    throw noGpu(cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    api.release("ReleaseRunOptions", runOptions);
  }
}
