/** @file Where a runtime of the C API computes and keeps its arrays: the processor, or a device behind a provider. */

import type { DType, Shape } from "../../../graph/dtype.ts";
import type { OrtApi, Pointer } from "./c-api.ts";
import { MemoryPool } from "./memory.ts";
import { NativeBuffer, type ValueBuffer } from "./native-buffer.ts";

/** A device of the C API: what sessions need to run on it, and its arrays. */
export interface Place<B extends ValueBuffer = ValueBuffer> {
  /** Behind the runtime's name, such as "WebGPU"; none for the processor. */
  readonly name?: string;
  /** Whether sessions may be made while another one runs. */
  readonly concurrent: boolean;
  /** Whether an operator may write over what it reads. */
  readonly inPlace: boolean;
  /** Adds to a session's options what puts its work here. */
  configure(settings: Pointer): void;
  /** An array with undefined contents. */
  allocate(dtype: DType, shape: Shape): B;
  /** Bytes of arrays in use, and bytes kept for the next ones. */
  readonly memory: { readonly live: number; readonly idle: number };
  /** Gives memory that no array uses back. */
  trim(): void;
  /** Gives the device up; nothing of it may be in use. */
  close(): Promise<void>;
}

/** The processor: arrays in host memory, read and written where they are. */
export function processorPlace(api: OrtApi): Place<NativeBuffer> {
  const pool = new MemoryPool();
  return {
    concurrent: true,
    inPlace: true,
    configure: () => undefined,
    allocate: (dtype, shape) => new NativeBuffer(api, pool, dtype, shape),
    get memory() {
      return pool.usage;
    },
    trim: () => pool.trim(),
    close: () => Promise.resolve(pool.trim()),
  };
}
