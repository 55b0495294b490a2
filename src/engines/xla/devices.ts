/** @file The devices that an engine computes on: one, or a mesh whose arrays are split over them. */

import { OcelliError } from "../../errors.ts";
import type { Rows } from "../engine.ts";
import { type HostArray, type Shape, sizeOf, typedArray } from "../../graph/dtype.ts";
import type { Sharding } from "../../graph/index.ts";
import type { Spec } from "../../graph/tensor.ts";
import {
  type Mesh,
  type Placement,
  copyPart,
  meshSize,
  placeSharding,
  shardShape,
  shardStart,
  showMesh,
} from "../mesh.ts";
import type { Client, DeviceInfo } from "./pjrt/client.ts";
import type { Partitioning } from "./pjrt/compile-options.ts";
import type { Pointer } from "./pjrt/struct.ts";

/** A device of this process and its place in the mesh. */
interface Member {
  readonly device: DeviceInfo;
  readonly place: number;
}

/** The devices of an engine, and transfers to and from all of them. */
export class Devices {
  readonly client: Client;
  readonly mesh: Mesh | undefined;
  /** How programs are spread over the devices; absent for one device. */
  readonly partitioning: Partitioning | undefined;
  readonly #members: readonly Member[];

  constructor(client: Client, mesh: Mesh | undefined) {
    this.client = client;
    this.mesh = mesh;
    const { allDevices } = client;
    const count = mesh ? meshSize(mesh) : 1;
    if (mesh && count > allDevices.length) {
      throw new OcelliError(
        "argument",
        `the mesh ${showMesh(mesh)} needs ${count} devices; there are ${allDevices.length}.`,
      );
    }
    const used = mesh ? allDevices.slice(0, count) : client.devices.slice(0, 1);
    this.#members = used
      .map((device, place) => ({ device, place }))
      .filter(({ device }) => device.addressable);
    if (this.#members.length === 0) {
      throw new OcelliError(
        "argument",
        `the mesh ${showMesh(mesh!)} takes the first ${count} of ${allDevices.length} devices, none of this process's.`,
        { hint: "Lay it over the devices of all processes." },
      );
    }
    this.partitioning = mesh && { devices: used.map(({ id }) => id) };
  }

  /** How many devices of this process take part. */
  get count(): number {
    return this.#members.length;
  }

  /** A sharding checked against the mesh; undefined without one. */
  place(spec: Spec, sharding: Sharding | undefined, what: string): Placement | undefined {
    return this.mesh && placeSharding(this.mesh, spec.shape, sharding, what);
  }

  /** The places in the mesh of this process's devices. */
  get places(): number[] {
    return this.#members.map(({ place }) => place);
  }

  /** Each device's part of an array, or of the whole that some rows are of. */
  #parts(array: HostArray, placement: Placement | undefined, rows?: Rows): HostArray[] {
    const { mesh } = this;
    if (!mesh || !placement?.flat().length) return this.#members.map(() => array);
    const whole = wholeShape(array, rows);
    const shape = shardShape(mesh, whole, placement);
    return this.#members.map(({ place }) => {
      const data = typedArray(array.dtype, sizeOf(shape));
      const part = { shape, dtype: array.dtype, data };
      const [first, ...start] = shardStart(mesh, whole, placement, place);
      copyPart("cut", array, [first - (rows?.first ?? 0), ...start], part);
      return part;
    });
  }

  /** Copies an array's parts to their devices; one buffer for each. */
  upload(array: HostArray, placement: Placement | undefined, rows?: Rows): Promise<Pointer[]> {
    const parts = this.#parts(array, placement, rows);
    return Promise.all(this.#members.map(({ device }, i) => this.client.upload(parts[i], device)));
  }

  /** As {@link upload}, before anything else happens. */
  uploadNow(array: HostArray, placement: Placement | undefined): Pointer[] {
    const parts = this.#parts(array, placement);
    return this.#members.map(({ device }, i) => this.client.uploadNow(parts[i], device));
  }

  /** The whole array from its parts; copies that several devices hold are read once. */
  async download(
    buffers: readonly Pointer[],
    { shape, dtype }: Spec,
    placement: Placement | undefined,
  ): Promise<HostArray> {
    const { client, mesh } = this;
    if (!mesh || !placement?.flat().length) return client.download(buffers[0], { shape, dtype });
    const part = shardShape(mesh, shape, placement);
    const starts = new Map<string, { start: readonly number[]; buffer: Pointer }>();
    this.#members.forEach(({ place }, i) => {
      const start = shardStart(mesh, shape, placement, place);
      starts.set(String(start), { start, buffer: buffers[i] });
    });
    if (starts.size * sizeOf(part) !== sizeOf(shape)) {
      throw new OcelliError("argument", "an array that is split over hosts cannot be read.", {
        hint: "Gather it first: compile its program with this output unsplit.",
      });
    }
    const whole = { shape, dtype, data: typedArray(dtype, sizeOf(shape)) };
    const reads = [...starts.values()].map(async ({ start, buffer }) => {
      copyPart("paste", whole, start, await client.download(buffer, { shape: part, dtype }));
    });
    await Promise.all(reads);
    return whole;
  }
}

/** The shape of the array that rows are of; of the array itself without. */
export const wholeShape = ({ shape }: Spec, rows: Rows | undefined): Shape =>
  rows ? [rows.of, ...shape.slice(1)] : shape;
