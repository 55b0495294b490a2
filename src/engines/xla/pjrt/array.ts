/** @file Arrays in a device's memory. */

import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import type { Spec } from "../../../graph/tensor.ts";
import { type DeviceArray, disposedError } from "../../engine.ts";
import type { Client } from "./client.ts";
import type { Holding } from "./owner.ts";
import type { Pointer } from "./struct.ts";

/** A buffer of a PJRT client behind a handle that can be given up. */
export class XlaArray implements DeviceArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly client: Client;
  #holding: Holding | undefined;
  #gone: "disposed" | "donated" = "disposed";

  constructor(client: Client, buffer: Pointer, { shape, dtype }: Spec) {
    this.client = client;
    this.shape = shape;
    this.dtype = dtype;
    this.#holding = client.owner.hold("Buffer", buffer, this);
  }

  get disposed(): boolean {
    return this.#holding === undefined || this.client.owner.closed;
  }

  /** The native buffer; an error when it was given up. */
  use(operation: string): Pointer {
    if (!this.#holding || this.client.owner.closed)
      throw disposedError(operation, this, this.#gone);
    return this.#holding.handle;
  }

  async read(): Promise<HostArray> {
    return this.client.download(this.use("read"), this);
  }

  /** Gives the memory up to a run that has been started with it. */
  donate(): void {
    this.dispose();
    this.#gone = "donated";
  }

  dispose(): void {
    if (this.#holding) this.client.owner.release(this.#holding);
    this.#holding = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
