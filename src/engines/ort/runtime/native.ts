/** @file ONNX Runtime through its C API: sessions that run on a worker thread over buffers of ours. */

import { OcelliError } from "../../../errors.ts";
import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import { checkData } from "./buffer.ts";
import { loadCApi } from "./c-api.ts";
import type { OrtApi, Pointer } from "./c-api.ts";
import { MemoryPool } from "./memory.ts";
import { NativeBuffer } from "./native-buffer.ts";
import { createNativeSession } from "./native-session.ts";
import type { NativeSession } from "./native-session.ts";
import { RunQueue } from "./queue.ts";
import type { ModelSource, Runtime, SessionOptions } from "./runtime.ts";

/** ONNX Runtime by FFI: no copies of arrays, and an event loop that stays free. */
export class NativeRuntime implements Runtime {
  readonly kind = "c-api";
  readonly inPlace = true;
  readonly name: string;
  readonly threads: number;
  readonly api: OrtApi;
  readonly queue = new RunQueue();
  /** Options of every run: how a run is told to stop. */
  readonly runOptions: Pointer;
  readonly #pool = new MemoryPool();
  readonly #sessions = new Set<NativeSession>();
  readonly #atExit = (): void => this.api.call("RunOptionsSetTerminate", this.runOptions);
  #closed = false;

  constructor(api: OrtApi, threads: number) {
    this.api = api;
    this.threads = threads;
    this.name = `ONNX Runtime ${api.version}, C API`;
    this.runOptions = api.create("CreateRunOptions");
    process.once("exit", this.#atExit);
  }

  allocate(dtype: DType, shape: Shape): NativeBuffer {
    this.#assertOpen();
    return new NativeBuffer(this.api, this.#pool, dtype, shape);
  }

  upload(array: HostArray): NativeBuffer {
    checkData(array, array.data);
    const buffer = this.allocate(array.dtype, array.shape);
    buffer.write(array.data);
    return buffer;
  }

  async createSession(model: ModelSource, options: SessionOptions = {}): Promise<NativeSession> {
    this.#assertOpen();
    const session = await createNativeSession(this, model, options);
    this.#sessions.add(session);
    session.onDispose(() => this.#sessions.delete(session));
    return session;
  }

  /** Bytes of device arrays in use, and bytes kept for the next ones. */
  get memory(): { readonly live: number; readonly idle: number } {
    return this.#pool.usage;
  }

  /** Gives memory that no array uses back to the system. */
  trim(): void {
    this.#pool.trim();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.queue.idle();
    await Promise.all([...this.#sessions].map((session) => session.dispose()));
    this.#pool.trim();
    process.off("exit", this.#atExit);
    this.api.release("ReleaseRunOptions", this.runOptions);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw new OcelliError("disposed", "the runtime has been closed.");
  }
}

/**
 * Opens ONNX Runtime through its C API, with as many threads for each session; an error where the platform's library
 * or its version is not known.
 *
 * @example
 * await using runtime = createNativeRuntime({ threads: 2 });
 * const session = await runtime.createSession(bytes);
 * await session.run([runtime.upload(x)], [y]);
 */
export function createNativeRuntime({ threads }: { threads: number }): NativeRuntime {
  const api = loadCApi();
  if (typeof api === "string") {
    throw new OcelliError("engine", `the C API of ONNX Runtime cannot be used: ${api}.`);
  }
  return new NativeRuntime(api, threads);
}
