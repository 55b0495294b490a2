/** @file Device arrays of the C API: our memory, and an OrtValue over it made when first bound. */

import { ONNX_DTYPES } from "../../../formats/onnx.ts";
import { byteSize, sizeOf, typedArray } from "../../../graph/dtype.ts";
import type { DType, Shape, TypedArray } from "../../../graph/dtype.ts";
import { TrackedBuffer } from "./buffer.ts";
import type { OrtApi, Pointer } from "./c-api.ts";
import type { Block, MemoryPool } from "./memory.ts";

/** A device array that the C API takes as an OrtValue. */
export abstract class ValueBuffer extends TrackedBuffer {
  /** The OrtValue; it lives until the buffer's memory is given back. */
  abstract get value(): Pointer;
}

/** An OrtValue over memory of ours. */
export function valueOver(api: OrtApi, address: Pointer, dtype: DType, shape: Shape): Pointer {
  return api.create(
    "CreateTensorWithDataAsOrtValue",
    api.cpuMemory,
    address,
    sizeOf(shape) * byteSize(dtype),
    dimensions(shape),
    shape.length,
    ONNX_DTYPES[dtype],
  );
}

/** Extents as the C API takes them. */
export function dimensions(shape: Shape): BigInt64Array {
  const dims = new BigInt64Array(Buffer.allocUnsafeSlow(64 + 8 * shape.length).buffer);
  shape.forEach((extent, i) => (dims[i] = BigInt(extent)));
  return dims;
}

/** What a buffer holds in native hands; kept apart so that it can be released after the buffer is collected. */
interface Holding {
  readonly api: OrtApi;
  readonly pool: MemoryPool;
  readonly block: Block;
  value: Pointer;
}

function releaseHolding(holding: Holding): void {
  holding.api.release("ReleaseValue", holding.value);
  holding.value = 0n;
  holding.pool.give(holding.block);
}

/** The backstop for buffers that nobody disposed of. */
const forgotten = new FinalizationRegistry<Holding>(releaseHolding);

/** An array in host memory that ONNX Runtime reads and writes in place. */
export class NativeBuffer extends ValueBuffer {
  readonly #holding: Holding;

  constructor(api: OrtApi, pool: MemoryPool, dtype: DType, shape: Shape) {
    super(dtype, shape);
    const block = pool.take(sizeOf(shape) * byteSize(dtype));
    this.#holding = { api, pool, block, value: 0n };
    forgotten.register(this, this.#holding, this);
  }

  /** The elements themselves, not a copy; of no use after `dispose`, and unsteady while a run writes them. */
  get view(): TypedArray {
    this.assertLive();
    return this.#view();
  }

  #view(): TypedArray {
    const { buffer, byteOffset } = this.#holding.block;
    return typedArray(this.dtype, buffer, byteOffset, sizeOf(this.shape));
  }

  override get value(): Pointer {
    const holding = this.#holding;
    return (holding.value ||= valueOver(
      holding.api,
      holding.block.address,
      this.dtype,
      this.shape,
    ));
  }

  protected override copyOut(): TypedArray {
    return this.#view().slice();
  }

  protected override copyIn(data: TypedArray): void {
    const { buffer, byteOffset } = this.#holding.block;
    new Uint8Array(buffer, byteOffset, data.byteLength).set(
      new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    );
  }

  protected override free(): void {
    forgotten.unregister(this);
    releaseHolding(this.#holding);
  }
}
