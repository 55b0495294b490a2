/** @file A PJRT client: devices, memory, transfers and compilation; it owns every handle made through it. */

import { OcelliError } from "../../../errors.ts";
import { type HostArray, typedArray, sizeOf } from "../../../graph/dtype.ts";
import type { Spec } from "../../../graph/tensor.ts";
import { type PjrtApi, loadPlugin } from "./api.ts";
import { type CompilerOption, type Partitioning, encodeCompileOptions } from "./compile-options.ts";
import { STRUCTS } from "./layout.ts";
import { Owner } from "./owner.ts";
import { type KeyValueStore, storeCallbacks } from "./store.ts";
import { type Pointer, Struct, addressOf, readPointers, stableBytes } from "./struct.ts";
import { PJRT_TYPES } from "./types.ts";

/** A device as its client describes it. */
export interface DeviceInfo {
  readonly handle: Pointer;
  /** Such as "cpu" or "NVIDIA H200". */
  readonly kind: string;
  readonly id: number;
  /** Which process of a cluster it belongs to. */
  readonly process: number;
  /** Whether it belongs to this process. */
  readonly addressable: boolean;
}

/** Bytes of device memory; undefined where the plugin does not say. */
export interface DeviceMemory {
  readonly inUse: number;
  readonly peak: number | undefined;
  readonly limit: number | undefined;
}

/** Options of a client; names and meaning are the plugin's own. */
export type ClientOptions = Readonly<Record<string, boolean | number | string>>;

/** The source buffer may change as soon as the call returns. */
const IMMUTABLE_ONLY_DURING_CALL = 0;
/** Uploads of more bytes are copied on a worker thread. */
const ASYNC_UPLOAD_BYTES = 1 << 20;

/** A client of one plugin. */
export class Client {
  readonly api: PjrtApi;
  readonly owner: Owner;
  /** "cpu", "cuda", "rocm" or "tpu". */
  readonly platform: string;
  readonly version: string;
  /** The devices of this process. */
  readonly devices: readonly DeviceInfo[];
  /** The devices of every process, in the order of meshes: by process, then by number. */
  readonly allDevices: readonly DeviceInfo[];
  /** The program whose large temporaries were allocated last. */
  lastLarge: WeakRef<object> | undefined;
  readonly #handle: Pointer;

  /** Takes a client over that {@link createClient} or {@link connectClient} made. */
  constructor(api: PjrtApi, client: Pointer) {
    this.api = api;
    this.#handle = client;
    this.owner = new Owner(api, client);
    this.platform = api.call("Client_PlatformName", { client }).text("platform_name");
    this.version = api.call("Client_PlatformVersion", { client }).text("platform_version");
    const found = api.call("Client_Devices", { client });
    const handles = readPointers(found.pointer("devices"), found.number("num_devices"));
    this.allDevices = handles
      .map((handle) => this.#describe(handle))
      .sort((a, b) => a.process - b.process || a.id - b.id);
    this.devices = this.allDevices.filter(({ addressable }) => addressable);
  }

  #describe(device: Pointer): DeviceInfo {
    const { api } = this;
    const description = api.call("Device_GetDescription", { device });
    const of = { device_description: description.pointer("device_description") };
    return {
      handle: device,
      kind: api.call("DeviceDescription_Kind", of).text("device_kind"),
      id: api.call("DeviceDescription_Id", of).number("id"),
      process: api.call("DeviceDescription_ProcessIndex", of).number("process_index"),
      addressable: api.call("Device_IsAddressable", { device }).number("is_addressable") !== 0,
    };
  }

  #assertOpen(): void {
    if (this.owner.closed) throw new OcelliError("disposed", "the XLA engine has been disposed.");
  }

  /** How much of a device's memory is used; undefined where the plugin keeps no count. */
  memory(device = this.devices[0]): DeviceMemory | undefined {
    this.#assertOpen();
    let stats: Struct<"Device_MemoryStats_Args">;
    try {
      stats = this.api.call("Device_MemoryStats", { device: device.handle });
    } catch (error) {
      if (error instanceof OcelliError) return undefined;
      throw error;
    }
    return {
      inUse: stats.number("bytes_in_use"),
      peak: stats.number("peak_bytes_in_use_is_set")
        ? stats.number("peak_bytes_in_use")
        : undefined,
      limit: stats.number("bytes_limit_is_set") ? stats.number("bytes_limit") : undefined,
    };
  }

  /** Compiles StableHLO text on a worker thread; the handle is the caller's to release. */
  async compile(
    text: string,
    options: Readonly<Record<string, CompilerOption>> = {},
    partitioning?: Partitioning,
  ): Promise<Pointer> {
    this.#assertOpen();
    const result = await this.api.callAsync("Client_Compile", {
      client: this.#handle,
      program: new Struct("Program", { code: text, format: "mlir" }),
      compile_options: encodeCompileOptions(options, partitioning),
    });
    return result.pointer("executable");
  }

  #uploadArgs({ shape, dtype, data }: HostArray, device: DeviceInfo) {
    this.#assertOpen();
    const dims = new BigInt64Array(stableBytes(8 * shape.length).buffer as ArrayBuffer);
    shape.forEach((extent, i) => (dims[i] = BigInt(extent)));
    return {
      client: this.#handle,
      data,
      type: PJRT_TYPES[dtype],
      dims,
      num_dims: shape.length,
      host_buffer_semantics: IMMUTABLE_ONLY_DURING_CALL,
      device: device.handle,
    };
  }

  #uploaded(args: Struct<"Client_BufferFromHostBuffer_Args">): Pointer {
    const event = args.pointer("done_with_host_buffer");
    this.api.call("Event_Await", { event });
    this.api.destroy("Event", event);
    return args.pointer("buffer");
  }

  /** Copies an array to a device at once. */
  uploadNow(array: HostArray, device = this.devices[0]): Pointer {
    const args = this.#uploadArgs(array, device);
    return this.#uploaded(this.api.call("Client_BufferFromHostBuffer", args));
  }

  /** Copies an array to a device, a large one on a worker thread; it must not change until this resolves. */
  async upload(array: HostArray, device = this.devices[0]): Promise<Pointer> {
    if (array.data.byteLength < ASYNC_UPLOAD_BYTES) return this.uploadNow(array, device);
    const args = this.#uploadArgs(array, device);
    return this.#uploaded(await this.api.callAsync("Client_BufferFromHostBuffer", args));
  }

  /** Starts copying a buffer to the host at once, and resolves when that is done. */
  async download(buffer: Pointer, { shape, dtype }: Spec): Promise<HostArray> {
    this.#assertOpen();
    const data = typedArray(dtype, sizeOf(shape));
    const event = this.api
      .call("Buffer_ToHostBuffer", {
        src: buffer,
        dst: data.byteLength > 0 ? addressOf(data) : addressOf(NOWHERE),
        dst_size: data.byteLength,
      })
      .pointer("event");
    await this.owner.settle(event, data);
    return { shape, dtype, data };
  }
}

const NOWHERE = stableBytes(8);

const optionFields = (options: ClientOptions) => ({
  create_options: namedValues(options),
  num_options: Object.keys(options).length,
});

/** Makes a client of a plugin. */
export function createClient(library: string, options: ClientOptions = {}): Client {
  const api = loadPlugin(library);
  return new Client(api, api.call("Client_Create", optionFields(options)).pointer("client"));
}

/** Makes a client that finds those of a cluster's other processes through a store. */
export async function connectClient(
  library: string,
  options: ClientOptions,
  store: KeyValueStore,
): Promise<Client> {
  const api = loadPlugin(library);
  const fields = { ...optionFields(options), ...storeCallbacks(store) };
  return new Client(api, (await api.callAsync("Client_Create", fields)).pointer("client"));
}

const NAMED_VALUE = { string: 0, int64: 1, float: 3, bool: 4 } as const;

/** Options as an array of PJRT_NamedValue, which lie one after the other. */
function namedValues(options: ClientOptions): Buffer {
  const entries = Object.entries(options);
  const { size } = STRUCTS.NamedValue;
  const list = stableBytes(size * entries.length);
  const kept = entries.map(([name, value], i) => {
    const item = new Struct("NamedValue", { name, ...namedValue(value) });
    item.bytes.copy(list, i * size, 0, size);
    return item;
  });
  return Object.assign(list, { kept });
}

function namedValue(value: boolean | number | string) {
  if (typeof value === "string") {
    const text = Buffer.from(value);
    return { type: NAMED_VALUE.string, string_value: text, value_size: text.length };
  }
  if (typeof value === "boolean")
    return { type: NAMED_VALUE.bool, bool_value: value, value_size: 1 };
  if (Number.isInteger(value))
    return { type: NAMED_VALUE.int64, int64_value: value, value_size: 1 };
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  return { type: NAMED_VALUE.float, float_value: bits, value_size: 1 };
}
