/** @file What the ort engine asks of an ONNX Runtime, whether in Node or in a browser: buffers, sessions, runs. */

import type { DType, HostArray, Shape, TypedArray } from "../../../graph/dtype.ts";

/** How a runtime reaches ONNX Runtime. */
export type RuntimeKind = "c-api" | "node" | "web";

/** An ONNX model: its bytes, or a file (the only way when external data makes it larger than 2 GB). */
export type ModelSource = Uint8Array | { readonly path: string };

/** How a session optimises and runs its graph; what a runtime cannot set it ignores. */
export interface SessionOptions {
  /** ONNX Runtime's graph optimisations; "all" by default. */
  readonly optimization?: "none" | "basic" | "extended" | "layout" | "all";
  /** Optimiser passes to leave out, by name (`optimization.disable_specified_optimizers`). */
  readonly disabledOptimizers?: readonly string[];
  /** Whether threads spin for a moment between the operators of a run before they sleep; true by default. */
  readonly spinning?: boolean;
  /** Whether temporaries come from an arena that is kept between runs; true by default. */
  readonly memoryArena?: boolean;
  /** Whether temporaries are laid out once into one block; true by default. */
  readonly memoryPattern?: boolean;
  /** Further entries for `AddSessionConfigEntry`, such as `session.set_denormal_as_zero`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Where to write a profile: the beginning of a file's path. C API only; see `RuntimeSession.endProfile`. */
  readonly profile?: string;
}

/** An input or output of a session; unknown extents are -1. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A device array: memory that sessions read and write. */
export interface RuntimeBuffer extends Disposable {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly disposed: boolean;
  /** A copy of the elements as they are after the runs queued before this call. */
  read(): Promise<HostArray>;
  /** Overwrites the elements; an error while a queued run uses the buffer. */
  write(data: TypedArray): void;
  /** Gives the memory back once the queued runs and reads that use it are done. */
  dispose(): void;
}

/** A compiled model. */
export interface RuntimeSession extends AsyncDisposable {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /**
   * Queues a run behind all earlier ones of the runtime and resolves when it is done.
   * Outputs are written to the given buffers. A buffer may be both input and output only where every
   * other reader of the old value comes before the node that makes the new one (see `Runtime.inPlace`).
   */
  run(inputs: readonly RuntimeBuffer[], outputs: readonly RuntimeBuffer[]): Promise<void>;
  /** Operators that the processor computes although the runtime is a GPU's, and how many; none where it is not known. */
  readonly fallbacks?: Readonly<Record<string, number>>;
  /** Ends profiling and returns the path of the JSON file written. */
  endProfile(): Promise<string>;
  /** Releases the session once its queued runs are done. */
  dispose(): Promise<void>;
}

/** What a GPU can do. */
export interface GpuTraits {
  /** Whether its shaders compute with float16 (`shader-f16`). */
  readonly float16: boolean;
  /** The most bytes of an array that a shader can see in one piece. */
  readonly maxStorageBytes: number;
}

/** An ONNX Runtime, opened. */
export interface Runtime extends AsyncDisposable {
  readonly kind: RuntimeKind;
  /** For people, such as "ONNX Runtime 1.30.0, C API". */
  readonly name: string;
  /** Threads that a session uses. */
  readonly threads: number;
  /** Whether a run writes into bound buffers directly: aliasing is then real, and its care the caller's. */
  readonly inPlace: boolean;
  /** The GPU that it computes on; none where the processor computes. */
  readonly gpu?: GpuTraits;
  /** A buffer with undefined contents. */
  allocate(dtype: DType, shape: Shape): RuntimeBuffer;
  /** A buffer with a copy of an array. */
  upload(array: HostArray): RuntimeBuffer;
  createSession(model: ModelSource, options?: SessionOptions): Promise<RuntimeSession>;
  /** Waits for all queued runs and releases every session and idle memory. */
  close(): Promise<void>;
}
