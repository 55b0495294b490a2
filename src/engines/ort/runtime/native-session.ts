/** @file A session of the C API: options, names and shapes, and runs on a worker thread. */

import koffi from "koffi";
import { OcelliError } from "../../../errors.ts";
import { ONNX_DTYPES } from "../../../formats/onnx.ts";
import type { DType } from "../../../graph/dtype.ts";
import { checkBindings, TrackedBuffer } from "./buffer.ts";
import { FATAL_ONLY } from "./c-api.ts";
import type { OrtApi, Pointer } from "./c-api.ts";
import type { RunQueue } from "./queue.ts";
import { ValueBuffer } from "./native-buffer.ts";
import { readFallbacks } from "./gpu/placement.ts";
import type {
  ModelSource,
  RuntimeBuffer,
  RuntimeSession,
  SessionOptions,
  ValueInfo,
} from "./runtime.ts";

const LEVELS = { none: 0, basic: 1, extended: 2, layout: 3, all: 99 } as const;

/** Pointers in a row, outside V8's heap, as C functions take them. */
class PointerArray {
  readonly words: BigUint64Array;
  readonly address: Pointer;
  constructor(length: number) {
    this.words = new BigUint64Array(Buffer.allocUnsafeSlow(8 * length + 64).buffer, 0, length);
    this.address = koffi.address(this.words.buffer);
  }
}

/** Names as an array of C strings; `text` keeps them alive. */
function cStrings(names: readonly string[]): { array: PointerArray; text: Buffer } {
  const encoded = names.map((name) => Buffer.from(`${name}\0`));
  const text = Buffer.allocUnsafeSlow(encoded.reduce((sum, { length }) => sum + length, 64));
  const array = new PointerArray(names.length);
  const start = koffi.address(text);
  let at = 0;
  encoded.forEach((name, i) => {
    text.set(name, at);
    array.words[i] = start + BigInt(at);
    at += name.length;
  });
  return { array, text };
}

/** The backstop for sessions that nobody disposed of. */
const forgotten = new FinalizationRegistry<{ api: OrtApi; session: Pointer }>(({ api, session }) =>
  api.release("ReleaseSession", session),
);

/** What of a runtime its sessions use. */
export interface SessionHost {
  readonly api: OrtApi;
  readonly queue: RunQueue;
  readonly runOptions: Pointer;
  readonly threads: number;
  /** Whether its device is a GPU. */
  readonly onGpu: boolean;
  /** Adds to a session's options what puts its work on the runtime's device. */
  configure(settings: Pointer): void;
}

/** A compiled model; made by `NativeRuntime.createSession`. */
export class NativeSession implements RuntimeSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #runtime: SessionHost;
  readonly #session: Pointer;
  readonly #names: { inputs: ReturnType<typeof cStrings>; outputs: ReturnType<typeof cStrings> };
  readonly #values: { inputs: PointerArray; outputs: PointerArray };
  #released: Promise<void> | undefined;
  #disposed = false;
  #onDispose = (): void => {};

  constructor(runtime: SessionHost, session: Pointer) {
    this.#runtime = runtime;
    this.#session = session;
    forgotten.register(this, { api: runtime.api, session }, this);
    this.inputs = valueInfos(runtime.api, session, "Input");
    this.outputs = valueInfos(runtime.api, session, "Output");
    this.#names = {
      inputs: cStrings(this.inputs.map(({ name }) => name)),
      outputs: cStrings(this.outputs.map(({ name }) => name)),
    };
    this.#values = {
      inputs: new PointerArray(this.inputs.length),
      outputs: new PointerArray(this.outputs.length),
    };
  }

  run(inputs: readonly RuntimeBuffer[], outputs: readonly RuntimeBuffer[]): Promise<void> {
    this.#assertLive();
    checkBindings("input", this.inputs, inputs);
    checkBindings("output", this.outputs, outputs);
    const ours = [...inputs, ...outputs].every((buffer) => buffer instanceof ValueBuffer);
    if (!ours) throw new OcelliError("engine", "the buffers belong to another runtime.");
    const from = [...inputs] as ValueBuffer[];
    const to = [...outputs] as ValueBuffer[];
    return TrackedBuffer.enqueue(this.#runtime.queue, from, to, () => this.#run(from, to));
  }

  /** Called by the queue, one run at a time, so that one set of pointer arrays serves all. */
  #run(inputs: ValueBuffer[], outputs: ValueBuffer[]): Promise<void> {
    const { api, runOptions } = this.#runtime;
    const names = this.#names;
    const values = this.#values;
    for (let i = 0; i < inputs.length; i++) values.inputs.words[i] = inputs[i].value;
    for (let i = 0; i < outputs.length; i++) values.outputs.words[i] = outputs[i].value;
    return api.callAsync(
      "Run",
      this.#session,
      runOptions,
      names.inputs.array.address,
      values.inputs.address,
      inputs.length,
      names.outputs.array.address,
      outputs.length,
      values.outputs.address,
    );
  }

  async endProfile(): Promise<string> {
    this.#assertLive();
    await this.#runtime.queue.idle();
    const { api } = this.#runtime;
    return api.takeString(api.create("SessionEndProfiling", this.#session, api.allocator));
  }

  /** A new allocator of the device that its first input lives on; it needs the session for as long as it is used. */
  createAllocator(): Pointer {
    const { api } = this.#runtime;
    const infos = new PointerArray(this.inputs.length);
    api.call("SessionGetMemoryInfoForInputs", this.#session, infos.address, this.inputs.length);
    return api.create("CreateAllocator", this.#session, infos.words[0]);
  }

  get fallbacks(): Readonly<Record<string, number>> {
    return this.#runtime.onGpu ? readFallbacks(this.#runtime.api, this.#session) : {};
  }

  dispose(): Promise<void> {
    this.#disposed = true;
    return (this.#released ??= this.#runtime.queue.add(() => {
      forgotten.unregister(this);
      this.#runtime.api.release("ReleaseSession", this.#session);
      this.#onDispose();
      return Promise.resolve();
    }).promise);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  onDispose(callback: () => void): void {
    this.#onDispose = callback;
  }

  #assertLive(): void {
    if (this.#disposed) throw new OcelliError("disposed", "the session has been disposed of.");
  }
}

/** Compiles a model on a worker thread. */
export async function createNativeSession(
  runtime: SessionHost,
  model: ModelSource,
  options: SessionOptions,
): Promise<NativeSession> {
  const { api } = runtime;
  const settings = makeOptions(runtime, options);
  try {
    const session =
      model instanceof Uint8Array
        ? await api.createAsync(
            "CreateSessionFromArray",
            api.env,
            model,
            model.byteLength,
            settings,
          )
        : await api.createAsync("CreateSession", api.env, model.path, settings);
    return new NativeSession(runtime, session);
  } finally {
    api.release("ReleaseSessionOptions", settings);
  }
}

function makeOptions(host: SessionHost, options: SessionOptions): Pointer {
  const { api, threads } = host;
  const { optimization = "all", disabledOptimizers = [], spinning = true } = options;
  const config: Record<string, string> = {
    "session.intra_op.allow_spinning": spinning ? "1" : "0",
    "session.force_spinning_stop": "1", // else every run is followed by some 20 ms of a busy core
    ...options.config,
  };
  if (disabledOptimizers.length > 0) {
    config["optimization.disable_specified_optimizers"] = disabledOptimizers.join(";");
  }
  const settings = api.create("CreateSessionOptions");
  try {
    api.call("SetSessionLogSeverityLevel", settings, FATAL_ONLY);
    api.call("SetSessionGraphOptimizationLevel", settings, LEVELS[optimization]);
    api.call("SetIntraOpNumThreads", settings, threads);
    if (options.memoryArena === false) api.call("DisableCpuMemArena", settings);
    if (options.memoryPattern === false) api.call("DisableMemPattern", settings);
    if (options.profile) api.call("EnableProfiling", settings, options.profile);
    for (const [key, value] of Object.entries(config)) {
      api.call("AddSessionConfigEntry", settings, key, value);
    }
    host.configure(settings);
    return settings;
  } catch (error) {
    api.release("ReleaseSessionOptions", settings);
    throw error;
  }
}

function valueInfos(api: OrtApi, session: Pointer, role: "Input" | "Output"): ValueInfo[] {
  const count = Number(api.create(`SessionGet${role}Count`, session));
  return Array.from({ length: count }, (_, i) => {
    const name = api.takeString(api.create(`SessionGet${role}Name`, session, i, api.allocator));
    const info = api.create(`SessionGet${role}TypeInfo`, session, i);
    try {
      return { name, ...tensorInfo(api, info, name) };
    } finally {
      api.release("ReleaseTypeInfo", info);
    }
  });
}

function tensorInfo(api: OrtApi, info: Pointer, name: string): Omit<ValueInfo, "name"> {
  const tensor = api.create("CastTypeInfoToTensorInfo", info); // owned by info
  const type = tensor && Number(BigInt.asIntN(32, api.create("GetTensorElementType", tensor)));
  const dtype = (Object.keys(ONNX_DTYPES) as DType[]).find((key) => ONNX_DTYPES[key] === type);
  if (!dtype) {
    throw new OcelliError(
      "unsupported",
      `"${name}" is no tensor of a known element type (${type}).`,
    );
  }
  const rank = Number(api.create("GetDimensionsCount", tensor));
  const dims = new BigInt64Array(Buffer.allocUnsafeSlow(8 * rank + 64).buffer);
  api.call("GetDimensions", tensor, dims, rank);
  return { dtype, shape: Array.from(dims.subarray(0, rank), Number) };
}
