/** @file Arrays in the memory of a device, or split over several. */

import type { DType, HostArray, Shape } from "../../../graph/dtype.ts";
import type { Spec } from "../../../graph/tensor.ts";
import { type DeviceArray, disposedError } from "../../engine.ts";
import type { Placement } from "../../mesh.ts";
import type { Devices } from "../devices.ts";
import type { Holding } from "./owner.ts";
import type { Pointer } from "./struct.ts";

/** Who made an array, to say more of a failure. */
interface Maker {
  explain(error: unknown): unknown;
}

/** Buffers of a PJRT client, one on each device, behind a handle that can be given up. */
export class XlaArray implements DeviceArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly devices: Devices;
  /** Over the devices' mesh; undefined without one. */
  readonly sharding: Placement | undefined;
  readonly #maker: WeakRef<Maker> | undefined;
  #holdings: readonly Holding[];
  #gone: "disposed" | "donated" = "disposed";

  constructor(
    devices: Devices,
    buffers: readonly Pointer[],
    { shape, dtype }: Spec,
    sharding: Placement | undefined,
    maker?: WeakRef<Maker>,
  ) {
    this.devices = devices;
    this.shape = shape;
    this.dtype = dtype;
    this.sharding = sharding;
    this.#maker = maker;
    const { owner } = devices.client;
    this.#holdings = buffers.map((buffer) => owner.hold("Buffer", buffer, this));
  }

  get disposed(): boolean {
    return this.#holdings.length === 0 || this.devices.client.owner.closed;
  }

  /** The native buffers, one on each device; an error when they were given up. */
  use(operation: string): readonly Pointer[] {
    if (this.disposed) throw disposedError(operation, this, this.#gone);
    return this.#holdings.map(({ handle }) => handle);
  }

  async read(): Promise<HostArray> {
    const { devices, sharding } = this;
    const buffers = this.use("read");
    try {
      return await devices.download(buffers, this, sharding);
    } catch (error) {
      throw this.#maker?.deref()?.explain(error) ?? error;
    }
  }

  /** Gives the memory up to a run that has been started with it. */
  donate(): void {
    this.dispose();
    this.#gone = "donated";
  }

  dispose(): void {
    for (const holding of this.#holdings) this.devices.client.owner.release(holding);
    this.#holdings = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
