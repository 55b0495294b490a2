/** @file The machine's GPUs as Vulkan lists them: names, limits, and whether one is a processor in disguise. */

import koffi from "koffi";
import { useLargeStacks } from "../../../../native-stack.ts";
import type { Pointer } from "../c-api.ts";

/** A GPU, or software that poses as one. */
export interface Adapter {
  readonly name: string;
  readonly kind: "integrated" | "discrete" | "virtual" | "software" | "other";
  /** The most bytes of one array that a shader can see. */
  readonly maxStorageBytes: number;
}

const LIBRARIES: Partial<Record<NodeJS.Platform, string>> = {
  linux: "libvulkan.so.1",
  win32: "vulkan-1.dll",
};

/** VkPhysicalDeviceType. */
const KINDS = ["other", "integrated", "discrete", "virtual", "software"] as const;

// VkPhysicalDeviceProperties, in bytes: apiVersion, driverVersion, vendorID, deviceID, deviceType, deviceName[256],
// pipelineCacheUUID[16], limits (aligned to 8), …
const TYPE_AT = 16;
const NAME_AT = 20;
const NAME_BYTES = 256;
const LIMITS_AT = 296;
/** maxStorageBufferRange in VkPhysicalDeviceLimits. */
const STORAGE_AT = LIMITS_AT + 28;
/** More than the whole structure, which is 824 bytes. */
const PROPERTIES_BYTES = 1024;

/** VkInstanceCreateInfo without layers and extensions, on 64-bit platforms. */
const CREATE_INFO_BYTES = 64;
const CREATE_INFO_TYPE = 1;

const bytes = (length: number): Buffer => Buffer.allocUnsafeSlow(length).fill(0);

/**
 * The GPUs that Vulkan finds, in its order; undefined where the platform has no Vulkan to ask (macOS's Metal, or a machine
 * without a driver).
 *
 * @see https://registry.khronos.org/vulkan/specs/latest/html/vkspec.html#devsandqueues-physical-device-enumeration
 */
export function listAdapters(): Adapter[] | undefined {
  const name = LIBRARIES[process.platform];
  if (!name) return undefined;
  let library: ReturnType<typeof koffi.load>;
  try {
    useLargeStacks(); // what is loaded first decides for all
    library = koffi.load(name);
  } catch {
    return undefined;
  }
  const call = (text: string) => library.func(text) as (...args: unknown[]) => number;
  const info = bytes(CREATE_INFO_BYTES);
  info.writeUInt32LE(CREATE_INFO_TYPE, 0);
  const instance = new BigUint64Array(bytes(64).buffer, 0, 1);
  const created = call("int vkCreateInstance(void *info, void *allocator, void *instance)");
  if (created(info, null, instance) !== 0) return undefined;
  try {
    return devicesOf(instance[0], call);
  } finally {
    call("void vkDestroyInstance(void *instance, void *allocator)")(instance[0], null);
  }
}

/** The name of the best GPU of this machine; undefined where there is none, or only software that poses as one. */
export function hardwareAdapter(adapters = listAdapters()): string | undefined {
  if (!adapters) return process.platform === "darwin" ? "Metal" : undefined;
  const best = bestAdapter(adapters);
  return best?.kind === "software" ? undefined : best?.name;
}

/** The adapter that Dawn takes when it is asked for the fastest; software where there is nothing else. */
export function bestAdapter(adapters: readonly Adapter[]): Adapter | undefined {
  const order: readonly Adapter["kind"][] = ["discrete", "integrated", "virtual", "software"];
  return order.flatMap((kind) => adapters.filter((adapter) => adapter.kind === kind))[0];
}

function devicesOf(
  instance: Pointer,
  call: (text: string) => (...args: unknown[]) => number,
): Adapter[] | undefined {
  const enumerate = call(
    "int vkEnumeratePhysicalDevices(void *instance, void *count, void *devices)",
  );
  const describe = call("void vkGetPhysicalDeviceProperties(void *device, void *properties)");
  const count = bytes(64);
  if (enumerate(instance, count, null) !== 0) return undefined;
  const found = count.readUInt32LE(0);
  const devices = new BigUint64Array(bytes(64 + 8 * found).buffer, 0, found);
  if (found > 0 && enumerate(instance, count, devices) !== 0) return undefined;
  return Array.from(devices, (device): Adapter => {
    const properties = bytes(PROPERTIES_BYTES);
    describe(device, properties);
    const text = properties.toString("utf8", NAME_AT, NAME_AT + NAME_BYTES);
    return {
      name: text.slice(0, text.indexOf("\0")),
      kind: KINDS[properties.readUInt32LE(TYPE_AT)] ?? "other",
      maxStorageBytes: properties.readUInt32LE(STORAGE_AT),
    };
  });
}
