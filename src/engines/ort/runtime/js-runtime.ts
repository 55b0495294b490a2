/** @file ONNX Runtime through its JavaScript API, which `onnxruntime-node` and `onnxruntime-web` share. */

import { OcelliError } from "../../../errors.ts";
import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import { checkBindings, checkData, TrackedBuffer } from "./buffer.ts";
import { JsBuffer } from "./js-buffer.ts";
import type { JsModel, JsModelOptions, JsValue, OrtModule } from "./js-api.ts";
import { RunQueue } from "./queue.ts";
import type {
  GpuTraits,
  ModelSource,
  Runtime,
  RuntimeBuffer,
  RuntimeKind,
  RuntimeSession,
  SessionOptions,
  ValueInfo,
} from "./runtime.ts";

/** What a JavaScript runtime is made of. */
export interface JsRuntimeParts {
  readonly ort: OrtModule;
  readonly kind: RuntimeKind;
  readonly name: string;
  readonly threads: number;
  readonly provider: "cpu" | "wasm" | "webgpu";
  /** What the GPU can do, for the provider "webgpu". */
  readonly gpu?: GpuTraits;
}

/** ONNX Runtime through `InferenceSession.run`. */
export class JsRuntime implements Runtime {
  readonly inPlace = false;
  readonly kind: RuntimeKind;
  readonly name: string;
  readonly threads: number;
  readonly gpu?: GpuTraits;
  readonly #parts: JsRuntimeParts;
  readonly #queue = new RunQueue();
  readonly #sessions = new Set<RuntimeSession>();

  constructor(parts: JsRuntimeParts) {
    this.kind = parts.kind;
    this.name = parts.name;
    this.threads = parts.threads;
    this.gpu = parts.gpu;
    this.#parts = parts;
  }

  allocate(dtype: DType, shape: Shape): RuntimeBuffer {
    return new JsBuffer(this.#parts.ort, this.#queue, dtype, shape);
  }

  upload(array: HostArray): RuntimeBuffer {
    checkData(array, array.data);
    const buffer = this.allocate(array.dtype, array.shape);
    buffer.write(array.data);
    return buffer;
  }

  async createSession(model: ModelSource, options: SessionOptions = {}): Promise<RuntimeSession> {
    const settings = sessionSettings(this.#parts, options);
    const { InferenceSession } = this.#parts.ort;
    const inner = await engineErrors(
      model instanceof Uint8Array
        ? InferenceSession.create(model, settings)
        : InferenceSession.create(model.path, settings),
    );
    const session = new JsSession(inner, this.#queue, () => this.#sessions.delete(session));
    this.#sessions.add(session);
    return session;
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await Promise.all([...this.#sessions].map((session) => session.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

class JsSession implements RuntimeSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #inner: JsModel;
  readonly #queue: RunQueue;
  readonly #onDispose: () => void;
  #released: Promise<void> | undefined;

  constructor(inner: JsModel, queue: RunQueue, onDispose: () => void) {
    this.#inner = inner;
    this.#queue = queue;
    this.#onDispose = onDispose;
    this.inputs = inner.inputMetadata.map(valueInfo);
    this.outputs = inner.outputMetadata.map(valueInfo);
  }

  run(inputs: readonly RuntimeBuffer[], outputs: readonly RuntimeBuffer[]): Promise<void> {
    if (this.#released) throw new OcelliError("disposed", "the session has been disposed of.");
    checkBindings("input", this.inputs, inputs);
    checkBindings("output", this.outputs, outputs);
    const from = [...inputs] as JsBuffer[];
    const to = [...outputs] as JsBuffer[];
    return TrackedBuffer.enqueue(this.#queue, from, to, async () => {
      const feeds = Object.fromEntries(this.inputs.map(({ name }, i) => [name, from[i].tensor]));
      const results = await engineErrors(this.#inner.run(feeds, { logSeverityLevel: 4 }));
      this.outputs.forEach(({ name }, i) => to[i].replace(results[name]));
    });
  }

  endProfile(): Promise<string> {
    return Promise.reject(
      new OcelliError("unsupported", "profiles are written through the C API only."),
    );
  }

  dispose(): Promise<void> {
    return (this.#released ??= this.#queue.add(async () => {
      await this.#inner.release();
      this.#onDispose();
    }).promise);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function sessionSettings(
  { provider, threads }: JsRuntimeParts,
  options: SessionOptions,
): JsModelOptions {
  const { optimization = "all", disabledOptimizers = [], spinning = true } = options;
  const config: Record<string, string> = { ...options.config };
  if (!spinning) config["session.intra_op.allow_spinning"] = "0";
  if (disabledOptimizers.length > 0) {
    config["optimization.disable_specified_optimizers"] = disabledOptimizers.join(";");
  }
  return {
    executionProviders: [
      provider === "webgpu" ? { name: provider, preferredLayout: "NCHW" as const } : provider,
    ],
    graphOptimizationLevel: optimization === "none" ? "disabled" : optimization,
    enableCpuMemArena: options.memoryArena ?? true,
    enableMemPattern: options.memoryPattern ?? true,
    logSeverityLevel: 4, // errors come back as ours
    extra: nest(config),
    ...(provider === "cpu" ? { intraOpNumThreads: threads } : {}),
    ...(provider === "webgpu" ? { preferredOutputLocation: "gpu-buffer" as const } : {}),
  };
}

/** `{ "a.b": "1" }` as `{ a: { b: "1" } }`, which is how the JavaScript API takes configuration entries. */
function nest(config: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(config)) {
    const parts = key.split(".");
    let at = root;
    for (const part of parts.slice(0, -1)) at = (at[part] ??= {}) as Record<string, unknown>;
    at[parts.at(-1)!] = value;
  }
  return root;
}

function valueInfo(meta: JsValue): ValueInfo {
  if (!meta.isTensor) throw new OcelliError("unsupported", `"${meta.name}" is no tensor.`);
  const shape = (meta.shape ?? []).map((extent) => (typeof extent === "number" ? extent : -1));
  return { name: meta.name, dtype: meta.type as DType, shape };
}

async function engineErrors<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    throw new OcelliError("engine", `ONNX Runtime: ${(cause as Error).message}`, { cause });
  }
}
