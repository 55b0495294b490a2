/** @file Device arrays of ONNX Runtime's JavaScript API, in Node or a browser. */

import { OcelliError } from "../../../errors.ts";
import { sizeOf, typedArray } from "../../../graph/dtype.ts";
import type { DType, Shape, TypedArray } from "../../../graph/dtype.ts";
import { TrackedBuffer } from "./buffer.ts";
import { gpuFailureOf } from "./gpu-failure.ts";
import type { JsTensor, OrtModule } from "./js-api.ts";
import type { RunQueue } from "./queue.ts";

/** Arrays as tensors of the JavaScript API; a run replaces its outputs' tensors, so that aliasing is always safe. */
export class JsBuffer extends TrackedBuffer {
  readonly #ort: OrtModule;
  readonly #queue: RunQueue;
  #tensor: JsTensor | undefined;

  constructor(ort: OrtModule, queue: RunQueue, dtype: DType, shape: Shape) {
    super(dtype, shape);
    if (dtype === "bfloat16") {
      throw new OcelliError("unsupported", "ONNX Runtime's JavaScript API has no bfloat16.");
    }
    this.#ort = ort;
    this.#queue = queue;
  }

  get tensor(): JsTensor {
    return (this.#tensor ??= this.#wrap(typedArray(this.dtype, sizeOf(this.shape))));
  }

  #wrap(data: TypedArray): JsTensor {
    const type = this.dtype as Exclude<DType, "bfloat16">;
    const tensor = new this.#ort.Tensor(type, asTensorData(type, data), this.shape);
    // onnxruntime-node's binding cannot see into a Float16Array, which Node-API does not know.
    if (type === "float16" && this.#ort.env.versions.node) {
      Object.defineProperty(tensor, "data", { value: data });
    }
    return tensor;
  }

  /** Takes the tensor a run has made; the old one's memory goes back. */
  replace(tensor: JsTensor): void {
    const old = this.#tensor;
    this.#tensor = tensor;
    if (old && old !== tensor) old.dispose();
  }

  /** A copy from a GPU is a job among runs: neither they nor the end of a session may come in between. */
  protected override async copyOut(): Promise<TypedArray> {
    const { tensor } = this;
    if (tensor.location === "cpu") return asHostData(this.dtype, tensor.data).slice();
    let data: unknown;
    try {
      await this.#queue.addFirst(async () => {
        data = await tensor.getData();
      }).promise;
    } catch (cause) {
      const { message } = cause as Error;
      const known = gpuFailureOf(message);
      throw new OcelliError("engine", `an array cannot be read: ${known ? known.what : message}.`, {
        ...(known && { hint: known.hint }),
        cause,
      });
    }
    return asHostData(this.dtype, data).slice();
  }

  protected override copyIn(data: TypedArray): void {
    this.replace(this.#wrap(data.slice()));
  }

  protected override free(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

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
