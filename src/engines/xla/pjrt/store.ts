/** @file A cluster's key-value store, through which the plugins of several processes find one another. */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { nameBeside } from "../../../files.ts";
import { STRUCTS } from "./layout.ts";
import { type FieldName, type Fields, type Pointer } from "./struct.ts";

/** What every process of a cluster reads and writes. Both calls are made while the event loop waits. */
export interface KeyValueStore {
  /** The value of a key; undefined as long as nobody has written one. */
  read(key: string): Uint8Array | undefined;
  write(key: string, value: Uint8Array): void;
}

/**
 * A store in a folder that every process sees, such as one on a shared file system. Each start needs a new folder.
 *
 * @example
 * const store = folderStore("/shared/starts/17");
 */
export function folderStore(folder: string): KeyValueStore {
  mkdirSync(folder, { recursive: true });
  const fileOf = (key: string): string => join(folder, `key-${encodeURIComponent(key)}`);
  return {
    read(key) {
      try {
        return readFileSync(fileOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write(key, value) {
      const partial = nameBeside(fileOf(key));
      writeFileSync(partial, value, { flag: "wx" });
      renameSync(partial, fileOf(key));
    },
  };
}

type CallbackArgs =
  "KeyValueGetCallback_Args" | "KeyValueTryGetCallback_Args" | "KeyValuePutCallback_Args";

/** PJRT_Error_Code. */
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const INTERNAL = 13;
const POLL_MS = 20;

const CALLBACK = koffi.pointer(koffi.proto("void *", ["void *"]));
const MAKE_ERROR = koffi.proto("void *", ["int", "void *", "size_t"]);

/** The arguments of one callback, in the plugin's memory. */
class Arguments<N extends CallbackArgs> {
  readonly #view: DataView;
  readonly #fields: Readonly<Record<string, readonly [offset: number, bytes: number]>>;

  constructor(name: N, address: Pointer) {
    const { size, fields } = STRUCTS[name];
    this.#view = new DataView(koffi.view(address, size));
    this.#fields = fields;
  }

  word(field: FieldName<N>): Pointer {
    return this.#view.getBigUint64(this.#fields[field][0], true);
  }

  int(field: FieldName<N>): number {
    return this.#view.getInt32(this.#fields[field][0], true);
  }

  set(field: FieldName<N>, value: Pointer): void {
    this.#view.setBigUint64(this.#fields[field][0], value, true);
  }

  /** A copy of the bytes that a field and the `…_size` field beside it describe. */
  bytes(field: FieldName<N>): Buffer {
    const size = Number(this.word(`${field}_size` as FieldName<N>));
    return size === 0
      ? Buffer.alloc(0)
      : Buffer.from(Buffer.from(koffi.view(this.word(field), size)));
  }
}

/** An error of the plugin's making, with a code that it knows. */
class StoreError extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Memory of the C library's: the plugin frees what it was given. */
function nativeMemory() {
  const process_ = koffi.load(null);
  const malloc = process_.func("malloc", "void *", ["size_t"]);
  const free = process_.func("dlsym", "void *", ["void *", "str"])(null, "free") as Pointer;
  return {
    free,
    copy(bytes: Uint8Array): Pointer {
      const address = malloc(Math.max(bytes.length, 1)) as Pointer;
      if (bytes.length > 0) new Uint8Array(koffi.view(address, bytes.length)).set(bytes);
      return address;
    },
  };
}

/**
 * Fields of `Client_Create_Args` that let a plugin use a store. Plugins call back from threads of their own, and wait for
 * the event loop: the client must be made by an asynchronous call. The callbacks stay for the life of the process.
 */
export function storeCallbacks(store: KeyValueStore): Fields<"Client_Create_Args"> {
  const memory = nativeMemory();
  const callback = <N extends CallbackArgs>(name: N, call: (args: Arguments<N>) => void): Pointer =>
    koffi.register((address: Pointer): Pointer | null => {
      const args = new Arguments(name, address);
      try {
        call(args);
        return null;
      } catch (error) {
        const code = error instanceof StoreError ? error.code : INTERNAL;
        const text = Buffer.from(error instanceof Error ? error.message : String(error));
        const maker = new DataView(koffi.view(args.word("callback_error" as FieldName<N>), 8));
        const make = koffi.decode(maker.getBigUint64(0, true), MAKE_ERROR);
        return make(code, text, text.length) as Pointer;
      }
    }, CALLBACK) as Pointer;
  const answer = (
    args: Arguments<"KeyValueGetCallback_Args"> | Arguments<"KeyValueTryGetCallback_Args">,
    value: Uint8Array,
  ): void => {
    args.set("value", memory.copy(value));
    args.set("value_size", BigInt(value.length));
    args.set("value_deleter_callback", memory.free);
  };
  return {
    kv_get_callback: callback("KeyValueGetCallback_Args", (args) => {
      const key = args.bytes("key").toString();
      answer(args, waitFor(store, key, args.int("timeout_in_ms")));
    }),
    kv_try_get_callback: callback("KeyValueTryGetCallback_Args", (args) => {
      const key = args.bytes("key").toString();
      const value = store.read(key);
      if (!value) throw new StoreError(NOT_FOUND, `nobody has written ${key}`);
      answer(args, value);
    }),
    kv_put_callback: callback("KeyValuePutCallback_Args", (args) => {
      store.write(args.bytes("key").toString(), args.bytes("value"));
    }),
  };
}

/** The value of a key, as soon as some process has written it. */
function waitFor(store: KeyValueStore, key: string, timeoutMs: number): Uint8Array {
  const bell = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += POLL_MS) {
    const value = store.read(key);
    if (value) return value;
    if (waited >= timeoutMs) {
      throw new StoreError(DEADLINE_EXCEEDED, `nobody wrote ${key} within ${timeoutMs} ms`);
    }
    Atomics.wait(bell, 0, 0, POLL_MS);
  }
}
