/** @file ONNX Runtime through its JavaScript API, which `onnxruntime-node` and `onnxruntime-web` share. */

import type { InferenceSession, Tensor } from "onnxruntime-web";
import { OcelliError } from "../../../errors.ts";
import { typedArray, sizeOf } from "../../../graph/dtype.ts";
import type { DType, HostArray, Shape, TypedArray } from "../../../graph/dtype.ts";
import { checkBindings, checkData, TrackedBuffer } from "./buffer.ts";
import { RunQueue } from "./queue.ts";
import type {
  ModelSource,
  Runtime,
  RuntimeBuffer,
  RuntimeKind,
  RuntimeSession,
  SessionOptions,
  ValueInfo,
} from "./runtime.ts";

/** What is used of the package's module, so that it need not be imported here. */
export interface OrtModule {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
  readonly env: {
    logLevel?: string;
    readonly versions: { readonly node?: string; readonly web?: string };
    readonly wasm: { numThreads?: number; proxy?: boolean; wasmPaths?: unknown };
  };
}

/** What a JavaScript runtime is made of. */
export interface JsRuntimeParts {
  readonly ort: OrtModule;
  readonly kind: RuntimeKind;
  readonly name: string;
  readonly threads: number;
  readonly provider: "cpu" | "wasm" | "webgpu";
}

/** Arrays as tensors of the JavaScript API; a run replaces its outputs' tensors, so that aliasing is always safe. */
class JsBuffer extends TrackedBuffer {
  readonly #ort: OrtModule;
  #tensor: Tensor | undefined;

  constructor(ort: OrtModule, dtype: DType, shape: Shape) {
    super(dtype, shape);
    if (dtype === "bfloat16") {
      throw new OcelliError("unsupported", "ONNX Runtime's JavaScript API has no bfloat16.");
    }
    this.#ort = ort;
  }

  get tensor(): Tensor {
    return (this.#tensor ??= this.#wrap(typedArray(this.dtype, sizeOf(this.shape))));
  }

  #wrap(data: TypedArray): Tensor {
    const type = this.dtype as Exclude<DType, "bfloat16">;
    const tensor = new this.#ort.Tensor(type, asTensorData(type, data), this.shape);
    // onnxruntime-node's binding cannot see into a Float16Array, which Node-API does not know.
    if (type === "float16" && this.#ort.env.versions.node) {
      Object.defineProperty(tensor, "data", { value: data });
    }
    return tensor;
  }

  /** Takes the tensor a run has made; the old one's memory goes back, unless a read still copies it. */
  replace(tensor: Tensor): void {
    const old = this.#tensor;
    this.#tensor = tensor;
    if (old && old !== tensor) void settle(old).then(() => old.dispose());
  }

  protected override copyOut(): Promise<TypedArray> | TypedArray {
    const { tensor } = this;
    if (tensor.location === "cpu") return asHostData(this.dtype, tensor.data).slice();
    const data = tensor.getData();
    readers.set(tensor, Promise.allSettled([settle(tensor), data]));
    return data.then((elements) => asHostData(this.dtype, elements).slice());
  }

  protected override copyIn(data: TypedArray): void {
    this.replace(this.#wrap(data.slice()));
  }

  protected override free(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

/** Copies under way from tensors that live on a GPU. */
const readers = new WeakMap<Tensor, Promise<unknown>>();
const settle = (tensor: Tensor): Promise<unknown> => readers.get(tensor) ?? Promise.resolve();

type Float16 = new (buffer: ArrayBufferLike, offset: number, length: number) => Uint16Array;

/** The API wants float16 in a Float16Array wherever the platform has one. */
function asTensorData(dtype: DType, data: TypedArray): Uint16Array {
  const { Float16Array } = globalThis as unknown as { Float16Array?: Float16 };
  if (dtype !== "float16" || !Float16Array) return data as Uint16Array;
  return new Float16Array(data.buffer, data.byteOffset, data.length);
}

function asHostData(dtype: DType, data: unknown): TypedArray {
  const { buffer, byteOffset, length } = data as TypedArray;
  return typedArray(dtype, buffer, byteOffset, length);
}

/** ONNX Runtime through `InferenceSession.run`. */
export class JsRuntime implements Runtime {
  readonly inPlace = false;
  readonly kind: RuntimeKind;
  readonly name: string;
  readonly threads: number;
  readonly #parts: JsRuntimeParts;
  readonly #queue = new RunQueue();
  readonly #sessions = new Set<RuntimeSession>();

  constructor(parts: JsRuntimeParts) {
    this.kind = parts.kind;
    this.name = parts.name;
    this.threads = parts.threads;
    this.#parts = parts;
  }

  allocate(dtype: DType, shape: Shape): RuntimeBuffer {
    return new JsBuffer(this.#parts.ort, dtype, shape);
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
  readonly #inner: InferenceSession;
  readonly #queue: RunQueue;
  readonly #onDispose: () => void;
  #released: Promise<void> | undefined;

  constructor(inner: InferenceSession, queue: RunQueue, onDispose: () => void) {
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
      const results = await engineErrors(this.#inner.run(feeds));
      this.outputs.forEach(({ name }, i) => to[i].replace(results[name] as Tensor));
    });
  }

  endProfile(): Promise<string> {
    return Promise.reject(
      new OcelliError("unsupported", "profiles are written through the C API only."),
    );
  }

  dispose(): Promise<void> {
    return (this.#released ??= this.#queue.idle().then(async () => {
      await this.#inner.release();
      this.#onDispose();
    }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

function sessionSettings(
  { provider, threads }: JsRuntimeParts,
  options: SessionOptions,
): InferenceSession.SessionOptions {
  const { optimization = "all", disabledOptimizers = [], spinning = true } = options;
  const config: Record<string, string> = { ...options.config };
  if (!spinning) config["session.intra_op.allow_spinning"] = "0";
  if (disabledOptimizers.length > 0) {
    config["optimization.disable_specified_optimizers"] = disabledOptimizers.join(";");
  }
  return {
    executionProviders: [provider],
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

function valueInfo(meta: InferenceSession.ValueMetadata): ValueInfo {
  if (!meta.isTensor) throw new OcelliError("unsupported", `"${meta.name}" is no tensor.`);
  const shape = meta.shape.map((extent) => (typeof extent === "number" ? extent : -1));
  return { name: meta.name, dtype: meta.type as DType, shape };
}

async function engineErrors<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (cause) {
    throw new OcelliError("engine", `ONNX Runtime: ${(cause as Error).message}`, { cause });
  }
}
