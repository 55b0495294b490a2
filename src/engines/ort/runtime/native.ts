/** @file ONNX Runtime through its C API: sessions that run on a worker thread over buffers of ours. */

import { OcelliError } from "../../../errors.ts";
import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import { checkData } from "./buffer.ts";
import { openCApi } from "./c-api.ts";
import type { OrtApi, Pointer } from "./c-api.ts";
import type { NativeBuffer, ValueBuffer } from "./native-buffer.ts";
import { createNativeSession } from "./native-session.ts";
import type { NativeSession } from "./native-session.ts";
import { type Place, processorPlace } from "./place.ts";
import { RunQueue } from "./queue.ts";
import type { GpuTraits, ModelSource, Runtime, SessionOptions } from "./runtime.ts";

/** What a runtime of the C API is made of. */
interface NativeParts<B extends ValueBuffer> {
  readonly api: OrtApi;
  readonly threads: number;
  readonly place: Place<B>;
  /** The order of what is done; a device shares it with its runtime. */
  readonly queue?: RunQueue;
}

/** ONNX Runtime by FFI: no copies of arrays, and an event loop that stays free. */
export class NativeRuntime<B extends ValueBuffer = NativeBuffer> implements Runtime {
  readonly kind = "c-api";
  readonly inPlace: boolean;
  readonly gpu?: GpuTraits;
  readonly name: string;
  readonly threads: number;
  readonly api: OrtApi;
  readonly queue: RunQueue;
  /** Options of every run: how a run is told to stop. */
  readonly runOptions: Pointer;
  readonly #place: Place<B>;
  readonly #sessions = new Set<NativeSession>();
  readonly #atExit = (): void => this.api.call("RunOptionsSetTerminate", this.runOptions);
  #closed = false;

  constructor({ api, threads, place, queue = new RunQueue() }: NativeParts<B>) {
    this.api = api;
    this.threads = threads;
    this.queue = queue;
    this.#place = place;
    this.inPlace = place.inPlace;
    this.name = `ONNX Runtime ${api.version}, ${place.name ?? "C API"}`;
    this.runOptions = api.create("CreateRunOptions");
    process.once("exit", this.#atExit);
  }

  allocate(dtype: DType, shape: Shape): B {
    this.#assertOpen();
    return this.#place.allocate(dtype, shape);
  }

  upload(array: HostArray): B {
    checkData(array, array.data);
    const buffer = this.allocate(array.dtype, array.shape);
    buffer.write(array.data);
    return buffer;
  }

  async createSession(model: ModelSource, options: SessionOptions = {}): Promise<NativeSession> {
    this.#assertOpen();
    const session = await this.#create(() => createNativeSession(this, model, options));
    this.#sessions.add(session);
    session.onDispose(() => this.#sessions.delete(session));
    return session;
  }

  /** Makes a session, in the queue where the place can do one thing at a time. */
  async #create(make: () => Promise<NativeSession>): Promise<NativeSession> {
    if (this.#place.concurrent) return make();
    let session: NativeSession;
    await this.queue.add(async () => void (session = await make())).promise;
    return session!;
  }

  get onGpu(): boolean {
    return this.gpu !== undefined;
  }

  configure(settings: Pointer): void {
    this.#place.configure(settings);
  }

  /** Bytes of device arrays in use, and bytes kept for the next ones. */
  get memory(): { readonly live: number; readonly idle: number } {
    return this.#place.memory;
  }

  /** Gives memory that no array uses back to the system. */
  trim(): void {
    this.#place.trim();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.queue.idle();
    await Promise.all([...this.#sessions].map((session) => session.dispose()));
    await this.queue.idle();
    await this.#place.close();
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
  const api = openCApi();
  return new NativeRuntime({ api, threads, place: processorPlace(api) });
}
