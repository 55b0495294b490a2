/** @file ONNX Runtime's C API by FFI: the function table as data, checked by version, errors as ours. */

import koffi from "koffi";
import { OcelliError } from "../../../errors.ts";
import { useLargeStacks } from "../../../native-stack.ts";
import { findLibrary } from "./library.ts";

/** An address in native memory; 0n is null. */
export type Pointer = bigint;

/** The C API versions asked for, by the library's minor version: those this table was tested with. */
const KNOWN_VERSIONS: Readonly<Record<string, number>> = { "1.30": 24 };

/** The severity of what ONNX Runtime prints by itself; errors come back as ours. */
export const FATAL_ONLY = 4;

const PATH = process.platform === "win32" ? "str16" : "str"; // ORTCHAR_T
const P = "void *";

/**
 * Slot, result and arguments of each entry used, in the order of `onnxruntime_c_api.h`.
 * A result of `void *` is an OrtStatus, null when all is well.
 */
const TABLE = {
  CreateStatus: [0, P, ["int", "str"]],
  GetErrorCode: [1, "int", [P]],
  GetErrorMessage: [2, "str", [P]],
  CreateEnv: [3, P, ["int", "str", P]],
  CreateSession: [7, P, [P, PATH, P, P]],
  CreateSessionFromArray: [8, P, [P, P, "size_t", P, P]],
  Run: [9, P, [P, P, P, P, "size_t", P, "size_t", P]],
  CreateSessionOptions: [10, P, [P]],
  EnableProfiling: [14, P, [P, PATH]],
  DisableMemPattern: [17, P, [P]],
  DisableCpuMemArena: [19, P, [P]],
  SetSessionLogSeverityLevel: [22, P, [P, "int"]],
  SetSessionGraphOptimizationLevel: [23, P, [P, "int"]],
  SetIntraOpNumThreads: [24, P, [P, "int"]],
  SessionGetInputCount: [30, P, [P, P]],
  SessionGetOutputCount: [31, P, [P, P]],
  SessionGetInputTypeInfo: [33, P, [P, "size_t", P]],
  SessionGetOutputTypeInfo: [34, P, [P, "size_t", P]],
  SessionGetInputName: [36, P, [P, "size_t", P, P]],
  SessionGetOutputName: [37, P, [P, "size_t", P, P]],
  CreateRunOptions: [39, P, [P]],
  RunOptionsSetTerminate: [46, P, [P]],
  CreateTensorAsOrtValue: [48, P, [P, P, "size_t", "int", P]],
  CreateTensorWithDataAsOrtValue: [49, P, [P, P, "size_t", P, "size_t", "int", P]],
  CastTypeInfoToTensorInfo: [55, P, [P, P]],
  GetTensorElementType: [60, P, [P, P]],
  GetDimensionsCount: [61, P, [P, P]],
  GetDimensions: [62, P, [P, P, "size_t"]],
  CreateCpuMemoryInfo: [69, P, ["int", "int", P]],
  AllocatorFree: [76, P, [P, P]],
  GetAllocatorWithDefaultOptions: [78, P, [P]],
  CreateAllocator: [131, P, [P, P, P]],
  ReleaseAllocator: [132, "void", [P]],
  SessionOptionsAppendExecutionProvider: [216, P, [P, "str", P, P, "size_t"]],
  SessionGetMemoryInfoForInputs: [380, P, [P, P, "size_t"]],
  CopyTensors: [386, P, [P, P, P, P, "size_t"]],
  Session_GetEpGraphAssignmentInfo: [407, P, [P, P, P]],
  EpAssignedSubgraph_GetEpName: [408, P, [P, P]],
  EpAssignedSubgraph_GetNodes: [409, P, [P, P, P]],
  EpAssignedNode_GetOperatorType: [412, P, [P, P]],
  ReleaseStatus: [93, "void", [P]],
  ReleaseSession: [95, "void", [P]],
  ReleaseValue: [96, "void", [P]],
  ReleaseRunOptions: [97, "void", [P]],
  ReleaseTypeInfo: [98, "void", [P]],
  ReleaseSessionOptions: [100, "void", [P]],
  SessionEndProfiling: [110, P, [P, P, P]],
  AddSessionConfigEntry: [130, P, [P, "str", "str"]],
} as const;

type Entry = keyof typeof TABLE;
type Library = ReturnType<typeof koffi.load>;
type NativeFunction = ReturnType<typeof koffi.decode>;

/** Eight bytes outside V8's heap that a C function writes a pointer or a count into. */
class OutSlot {
  readonly words = new BigUint64Array(Buffer.allocUnsafeSlow(64).buffer, 0, 1);
  readonly address: Pointer = koffi.address(this.words);
  get value(): bigint {
    return this.words[0];
  }
}

/** The loaded C API: checked calls, with every OrtStatus turned into an error and released. */
export class OrtApi {
  /** Held for good: koffi unloads a library whose handle is collected, whatever functions are in use. */
  readonly library: Library;
  readonly version: string;
  /** Created once and left to the end of the process: releasing it at exit races with pending runs. */
  readonly env: Pointer;
  /** Describes plain host memory; lives as long as the library. */
  readonly cpuMemory: Pointer;
  readonly allocator: Pointer;
  readonly #functions = new Map<Entry, NativeFunction>();
  readonly #table: Pointer;
  readonly #out = new OutSlot();
  readonly #pending = new Set<unknown[]>();

  constructor(library: Library, version: string, table: Pointer) {
    this.library = library;
    this.version = version;
    this.#table = table;
    this.#selfTest();
    this.env = this.create("CreateEnv", FATAL_ONLY, "ocelli");
    this.cpuMemory = this.create("CreateCpuMemoryInfo", 0 /* device allocator */, 0);
    this.allocator = this.create("GetAllocatorWithDefaultOptions");
  }

  #function(entry: Entry): NativeFunction {
    let found = this.#functions.get(entry);
    if (!found) {
      const [slot, result, args] = TABLE[entry];
      const pointer = koffi.decode(this.#table, slot * 8, P) as Pointer;
      found = koffi.decode(pointer, koffi.proto(result, [...args]));
      this.#functions.set(entry, found);
    }
    return found;
  }

  /** A table that does not match would crash or answer nonsense here rather than in a training run. */
  #selfTest(): void {
    const status = this.#function("CreateStatus")(2, "ocelli") as Pointer;
    const code = this.#function("GetErrorCode")(status) as number;
    const message = this.#function("GetErrorMessage")(status) as string;
    this.#function("ReleaseStatus")(status);
    if (code !== 2 || message !== "ocelli") {
      throw new OcelliError("engine", `ONNX Runtime ${this.version}'s C API answers unexpectedly.`);
    }
  }

  #raise(status: Pointer | null, entry: Entry): void {
    if (!status) return;
    const message = this.#function("GetErrorMessage")(status) as string;
    this.#function("ReleaseStatus")(status);
    throw new OcelliError("engine", `ONNX Runtime, ${entry}: ${message}`);
  }

  /** Calls an entry; an error where it returns a status. */
  call(entry: Entry, ...args: unknown[]): void {
    this.#raise(this.#function(entry)(...args) as Pointer | null, entry);
  }

  /** Calls an entry on a worker thread. Arrays among the arguments are kept until it ends; memory given by address is not. */
  callAsync(entry: Entry, ...args: unknown[]): Promise<void> {
    this.#pending.add(args);
    return new Promise((resolve, reject) => {
      this.#function(entry).async(...args, (error: unknown, status: Pointer | null) => {
        this.#pending.delete(args);
        try {
          if (error) throw error;
          this.#raise(status, entry);
          resolve();
        } catch (raised) {
          reject(raised);
        }
      });
    });
  }

  /** Calls an entry whose last argument is where to write what it makes; returns that. */
  create(entry: Entry, ...args: unknown[]): Pointer {
    this.call(entry, ...args, this.#out.address);
    return this.#out.value;
  }

  /** `create` on a worker thread. */
  async createAsync(entry: Entry, ...args: unknown[]): Promise<Pointer> {
    const out = new OutSlot();
    await this.callAsync(entry, ...args, out.address);
    return out.value;
  }

  /** The text of a C string that ONNX Runtime allocated, which is released. */
  takeString(pointer: Pointer): string {
    const text = koffi.decode.string(pointer);
    this.call("AllocatorFree", this.allocator, pointer);
    return text;
  }

  release(entry: Extract<Entry, `Release${string}`>, pointer: Pointer): void {
    if (pointer) this.#function(entry)(pointer);
  }
}

let loaded: OrtApi | string | undefined;

/** The C API, loaded once per process; a sentence saying why not where platform or version is not known. */
export function loadCApi(): OrtApi | string {
  return (loaded ??= open());
}

/** The C API; an engine error where it cannot be used. */
export function openCApi(): OrtApi {
  const api = loadCApi();
  if (typeof api !== "string") return api;
  throw new OcelliError("engine", `the C API of ONNX Runtime cannot be used: ${api}.`);
}

function open(): OrtApi | string {
  const path = findLibrary();
  if (!path) {
    throw new OcelliError("engine", "ONNX Runtime's library is not here yet.", {
      hint: "`openEngine` fetches it; or: npm install onnxruntime-node",
    });
  }
  try {
    useLargeStacks();
  } catch (error) {
    if (error instanceof OcelliError) return error.message;
    throw error;
  }
  const library = koffi.load(path);
  const base = library.func("void *OrtGetApiBase()")() as Pointer;
  const getVersion = koffi.decode(koffi.decode(base, 8, P), koffi.proto("str", []));
  const version = getVersion() as string;
  const api = KNOWN_VERSIONS[version.split(".").slice(0, 2).join(".")];
  if (api === undefined)
    return `ONNX Runtime ${version} is not among the known versions of the C table`;
  const getApi = koffi.decode(koffi.decode(base, P), koffi.proto(P, ["uint32_t"]));
  const table = getApi(api) as Pointer | null;
  return table
    ? new OrtApi(library, version, table)
    : `ONNX Runtime ${version} has no C API ${api}`;
}
