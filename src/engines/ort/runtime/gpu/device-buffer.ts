/** @file Arrays that ONNX Runtime keeps on a device, copied from and to the host when they are written and read. */

import koffi from "koffi";
import { byteSize, sizeOf, typedArray } from "../../../../graph/dtype.ts";
import type { DType, Shape, TypedArray } from "../../../../graph/dtype.ts";
import { TrackedBuffer } from "../buffer.ts";
import type { OrtApi, Pointer } from "../c-api.ts";
import { ONNX_DTYPES } from "../../../../formats/onnx.ts";
import { ValueBuffer, dimensions, valueOver } from "../native-buffer.ts";
import type { NativeSession } from "../native-session.ts";
import type { RunQueue } from "../queue.ts";

/** Bytes that crossed between host and device. */
export interface Copied {
  readonly toDevice: number;
  readonly toHost: number;
}

/** Where device arrays come from. Only one call at a time may use it, so all of them go through the queue. */
export class DeviceMemory {
  readonly api: OrtApi;
  readonly queue: RunQueue;
  /** What the allocator needs for as long as it is used. */
  readonly #session: NativeSession;
  readonly #allocator: Pointer;
  #live = 0;
  #copied: Copied = { toDevice: 0, toHost: 0 };

  /** @param session one whose input lives on the device; it is released with the memory */
  constructor(queue: RunQueue, api: OrtApi, session: NativeSession) {
    this.api = api;
    this.queue = queue;
    this.#session = session;
    this.#allocator = session.createAllocator();
  }

  /** Gives the device up; no array of it may be in use. */
  async close(): Promise<void> {
    this.api.release("ReleaseAllocator", this.#allocator);
    await this.#session.dispose();
  }

  /** Bytes of arrays in use. */
  get live(): number {
    return this.#live;
  }

  /** Bytes copied since the device was opened. */
  get copied(): Copied {
    return this.#copied;
  }

  /** An OrtValue on the device, its contents undefined. To be called by a job of the queue. */
  create(dtype: DType, shape: Shape): Pointer {
    const value = this.api.create(
      "CreateTensorAsOrtValue",
      this.#allocator,
      dimensions(shape),
      shape.length,
      ONNX_DTYPES[dtype],
    );
    this.#live += bytesOf(dtype, shape);
    return value;
  }

  /** Releases an OrtValue once no job runs. */
  release(value: Pointer, bytes: number): void {
    void this.queue.add(() => {
      this.api.release("ReleaseValue", value);
      this.#live -= bytes;
      return Promise.resolve();
    });
  }

  /** Copies between a device array and host memory outside V8's heap, on a worker thread. To be called by a job. */
  async copy(way: keyof Copied, device: ValueBuffer, host: TypedArray): Promise<void> {
    if (host.byteLength === 0) return;
    const { api } = this;
    const outside = valueOver(api, koffi.address(host.buffer), device.dtype, device.shape);
    const [from, to] = way === "toHost" ? [device.value, outside] : [outside, device.value];
    try {
      await api.callAsync("CopyTensors", api.env, pointerTo(from), pointerTo(to), null, 1);
    } finally {
      api.release("ReleaseValue", outside);
    }
    this.#copied = { ...this.#copied, [way]: this.#copied[way] + host.byteLength };
  }
}

const bytesOf = (dtype: DType, shape: Shape): number => sizeOf(shape) * byteSize(dtype);

/** An array of one pointer outside V8's heap. */
function pointerTo(value: Pointer): BigUint64Array {
  const words = new BigUint64Array(Buffer.allocUnsafeSlow(64).buffer, 0, 1);
  words[0] = value;
  return words;
}

/** What a buffer holds of its device; kept apart so that it can be released after the buffer is collected. */
interface Holding {
  readonly memory: DeviceMemory;
  readonly bytes: number;
  value: Pointer;
}

function releaseHolding(holding: Holding): void {
  if (holding.value) holding.memory.release(holding.value, holding.bytes);
  holding.value = 0n;
}

/** The backstop for buffers that nobody disposed of. */
const forgotten = new FinalizationRegistry<Holding>(releaseHolding);

/** An array on a device. */
export class DeviceBuffer extends ValueBuffer {
  readonly #holding: Holding;

  constructor(memory: DeviceMemory, dtype: DType, shape: Shape) {
    super(dtype, shape);
    this.#holding = { memory, bytes: bytesOf(dtype, shape), value: 0n };
    forgotten.register(this, this.#holding, this);
  }

  override get value(): Pointer {
    const holding = this.#holding;
    return (holding.value ||= holding.memory.create(this.dtype, this.shape));
  }

  protected override async copyOut(): Promise<TypedArray> {
    const { memory } = this.#holding;
    const host = this.#hostArray();
    await memory.queue.addFirst(() => memory.copy("toHost", this, host)).promise;
    return host;
  }

  protected override copyIn(data: TypedArray): void {
    const { memory } = this.#holding;
    const host = this.#hostArray();
    new Uint8Array(host.buffer, host.byteOffset, host.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
    const copy = () => memory.copy("toDevice", this, host);
    TrackedBuffer.enqueue(memory.queue, [], [this], copy).catch(() => {
      // a later read of the buffer throws the error
    });
  }

  /** An array of this type and size outside V8's heap. */
  #hostArray(): TypedArray {
    const { buffer } = Buffer.allocUnsafeSlow(this.#holding.bytes + 64);
    return typedArray(this.dtype, buffer, 0, sizeOf(this.shape));
  }

  protected override free(): void {
    forgotten.unregister(this);
    releaseHolding(this.#holding);
  }
}
