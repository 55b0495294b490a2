/** @file The PJRT C API of one plugin: the library loaded and checked, entries called, errors turned into ours. */

import koffi from "koffi";
import { OcelliError } from "../../../errors.ts";
import { useLargeStacks } from "../../../native-stack.ts";
import { loadCompanions } from "./companions.ts";
import { API_VERSION, ENTRIES, type Entry, TABLE_HEADER } from "./layout.ts";
import { checkLibrary } from "./library.ts";
import { type Fields, type Pointer, Struct } from "./struct.ts";

type Library = ReturnType<typeof koffi.load>;
type NativeFunction = ReturnType<typeof koffi.decode>;
type Args<E extends Entry> = `${E}_Args`;

const RESOURCE_EXHAUSTED = 8;
/** What every error of memory says. */
export const NO_MEMORY = "does not fit into the device's memory";
export const MEMORY_HINT = `It ${NO_MEMORY}: lower the batch size, or recompute with remat.`;
/** Calls on worker threads at a time; koffi refuses the 257th, and has few threads anyway. */
const ASYNC_CALLS = 64;
/** Worker threads that may wait for events at a time: Node has four, which also read files. */
const WAITING_THREADS = 2;

/** One plugin's function table. */
export class PjrtApi {
  readonly path: string;
  readonly version: { readonly major: number; readonly minor: number };
  /** Held: koffi closes a library whose handle is collected, whatever functions are in use. */
  readonly #library: Library;
  readonly #table: DataView;
  readonly #prototype = koffi.proto("void *", ["void *"]);
  readonly #functions = new Map<Entry, NativeFunction>();
  /** Arguments of calls on worker threads, held until they end. */
  readonly #running = new Set<Struct>();
  /** Calls that wait until fewer are running, the oldest first. */
  readonly #queued: (() => void)[] = [];
  /** Events that worker threads wait for; these never fail. */
  readonly #waits = new Set<Promise<void>>();

  constructor(path: string) {
    checkLibrary(path);
    useLargeStacks();
    this.path = path;
    this.#library = open(path);
    const table = entryPoint(this.#library, path)() as Pointer | null;
    if (!table) throw new OcelliError("engine", `${path} gave no function table.`);
    const header = new DataView(koffi.view(table, TABLE_HEADER.minor[0] + 4));
    const size = Number(header.getBigUint64(TABLE_HEADER.size[0], true));
    this.version = {
      major: header.getInt32(TABLE_HEADER.major[0], true),
      minor: header.getInt32(TABLE_HEADER.minor[0], true),
    };
    checkVersion(path, this.version, size);
    this.#table = new DataView(koffi.view(table, size));
    this.call("Plugin_Initialize", {});
  }

  #function(entry: Entry): NativeFunction {
    let found = this.#functions.get(entry);
    if (!found) {
      const pointer = this.#table.getBigUint64(ENTRIES[entry], true);
      if (!pointer) throw new OcelliError("engine", `${this.path} does not implement ${entry}.`);
      found = koffi.decode(pointer, this.#prototype);
      this.#functions.set(entry, found);
    }
    return found;
  }

  /** Calls an entry; returns its argument structure, which holds the results. */
  call<E extends Entry>(entry: E, values: Fields<Args<E>>): Struct<Args<E>> {
    const args = new Struct(`${entry}_Args`, values);
    this.#check(entry, this.#function(entry)(args.bytes) as Pointer | null);
    return args as Struct<Args<E>>;
  }

  /** Calls an entry on a worker thread, as soon as one may be asked. */
  callAsync<E extends Entry>(entry: E, values: Fields<Args<E>>): Promise<Struct<Args<E>>> {
    const args = new Struct(`${entry}_Args`, values);
    return new Promise((resolve, reject) => {
      const start = (): void => {
        this.#running.add(args);
        this.#function(entry).async(args.bytes, done);
      };
      const done = (failure: unknown, error: Pointer | null): void => {
        this.#running.delete(args);
        this.#queued.shift()?.();
        try {
          if (failure) throw failure;
          this.#check(entry, error);
          resolve(args as Struct<Args<E>>);
        } catch (raised) {
          reject(raised);
        }
      };
      if (this.#running.size < ASYNC_CALLS) start();
      else this.#queued.push(start);
    });
  }

  /** Destroys a handle, if there is one. */
  destroy(
    kind: "Event" | "Client" | "LoadedExecutable" | "Executable" | "Buffer",
    handle: Pointer,
  ): void {
    if (!handle) return;
    const field = { LoadedExecutable: "executable" }[kind as string] ?? kind.toLowerCase();
    this.call(`${kind}_Destroy`, { [field]: handle });
  }

  /** Waits for an event without blocking, and destroys it; its error is thrown. */
  async settle(event: Pointer): Promise<void> {
    try {
      const isReady = (): boolean => this.call("Event_IsReady", { event }).number("is_ready") !== 0;
      while (this.#waits.size === WAITING_THREADS && !isReady()) await Promise.race(this.#waits);
      if (isReady()) this.call("Event_Await", { event });
      else await this.#wait(event);
    } finally {
      this.destroy("Event", event);
    }
  }

  async #wait(event: Pointer): Promise<void> {
    const waiting = this.callAsync("Event_Await", { event });
    const ended = waiting.then(
      () => undefined,
      () => undefined,
    );
    this.#waits.add(ended);
    try {
      await waiting;
    } finally {
      this.#waits.delete(ended);
    }
  }

  #check(entry: Entry, error: Pointer | null): void {
    if (!error) return;
    const raise = (name: Entry, values: Fields<Args<"Error_Message">>): Struct => {
      const args = new Struct(`${name}_Args`, values as object);
      this.#function(name)(args.bytes);
      return args;
    };
    const message = (raise("Error_Message", { error }) as Struct<"Error_Message_Args">).text(
      "message",
    );
    const code = (raise("Error_GetCode", { error }) as Struct<"Error_GetCode_Args">).number("code");
    raise("Error_Destroy", { error });
    throw new OcelliError("engine", `XLA, ${entry}: ${message}`, {
      hint: code === RESOURCE_EXHAUSTED ? MEMORY_HINT : undefined,
    });
  }
}

/** Checks that a plugin's table is of a version and size that this layer reads. */
export function checkVersion(
  path: string,
  { major, minor }: { readonly major: number; readonly minor: number },
  size: number,
): void {
  const needed = Math.max(...Object.values(ENTRIES)) + 8;
  const oldest = `${API_VERSION.major}.${API_VERSION.oldestMinor}`;
  if (major !== API_VERSION.major || minor < API_VERSION.oldestMinor || size < needed) {
    throw new OcelliError(
      "engine",
      `${path} speaks PJRT ${major}.${minor}; ${oldest} or a later ${API_VERSION.major}.x is needed.`,
    );
  }
}

const RTLD_NOW = 2;

/** Opens a library once more for good: koffi closes its own at exit, under the feet of XLA's threads. */
function keepMapped(path: string): void {
  if (process.platform === "win32") return;
  koffi.load(null).func("dlopen", "void *", ["str", "int"])(path, RTLD_NOW);
}

function open(path: string): Library {
  try {
    loadCompanions(path);
    keepMapped(path);
    return koffi.load(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OcelliError("engine", `${path} cannot be loaded: ${why}`, { cause });
  }
}

function entryPoint(library: Library, path: string): NativeFunction {
  try {
    return library.func("void *GetPjrtApi()");
  } catch (cause) {
    throw new OcelliError("engine", `${path} is no PJRT plugin: it has no GetPjrtApi.`, { cause });
  }
}

const loaded = new Map<string, PjrtApi>();

/** The API of a plugin library, loaded once per process. */
export function loadPlugin(path: string): PjrtApi {
  let api = loaded.get(path);
  if (!api) loaded.set(path, (api = new PjrtApi(path)));
  return api;
}
