/** @file Device arrays of the ort engine: a buffer of the runtime behind a handle that can be given up. */

import type { DType, HostArray, Shape } from "../../graph/dtype.ts";
import { type DeviceArray, disposedError } from "../engine.ts";
import type { RuntimeBuffer } from "./runtime/runtime.ts";

/** An array in a runtime's memory. */
export class OrtArray implements DeviceArray {
  readonly shape: Shape;
  readonly dtype: DType;
  #buffer: RuntimeBuffer | undefined;
  #gone: "disposed" | "donated" = "disposed";

  constructor(buffer: RuntimeBuffer) {
    this.shape = buffer.shape;
    this.dtype = buffer.dtype;
    this.#buffer = buffer;
  }

  get disposed(): boolean {
    return this.#buffer === undefined;
  }

  /** The buffer, for a run; an error when it was given up. */
  use(operation: string): RuntimeBuffer {
    if (!this.#buffer) throw disposedError(operation, this, this.#gone);
    return this.#buffer;
  }

  async read(): Promise<HostArray> {
    return this.use("read").read();
  }

  /** Gives the buffer up to a run; later uses of the handle throw. */
  donate(): RuntimeBuffer {
    const buffer = this.use("donate");
    this.#gone = "donated";
    this.#buffer = undefined;
    return buffer;
  }

  dispose(): void {
    this.#buffer?.dispose();
    this.#buffer = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
