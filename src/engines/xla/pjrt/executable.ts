/** @file Loaded executables: runs that return before they are done, and what they need of memory. */

import { setTimeout } from "node:timers/promises";
import { OcelliError } from "../../../errors.ts";
import type { Client } from "./client.ts";
import { releaseFreed } from "./heap.ts";
import type { Holding } from "./owner.ts";
import { type Pointer, PointerList, Struct, addressOf, stableBytes } from "./struct.ts";

/** Bytes that an executable takes on its device. */
export interface ExecutableMemory {
  readonly arguments: number;
  readonly outputs: number;
  /** Of the outputs, those that lie in donated arguments. */
  readonly aliased: number;
  readonly temporaries: number;
  readonly code: number;
}

/** Runs that may be under way at once; more would only hold memory. */
const RUNS_IN_FLIGHT = 2;

/** Bytes of temporaries from which runs on a CPU go one by one: each run that is under way has its own. */
const LARGE = 2 ** 26;

/** A compiled program on one device or several. */
export class LoadedExecutable {
  readonly #client: Client;
  readonly #holding: Holding;
  readonly #outputs: number;
  readonly #devices: number;
  readonly #inFlight: Promise<unknown>[] = [];
  /** Whether a run must be over, its temporaries freed, before the next may start. */
  readonly #isAlone: boolean;
  readonly #temporaries: number;
  /** Resident bytes of the process between its runs, the least so far. */
  #resident = Infinity;
  #disposed = false;

  constructor(client: Client, handle: Pointer, devices = 1) {
    this.#client = client;
    this.#devices = devices;
    this.#holding = client.owner.hold("LoadedExecutable", handle, this);
    this.#outputs = this.#withExecutable((executable) =>
      client.api.call("Executable_NumOutputs", { executable }).number("num_outputs"),
    );
    this.#temporaries = this.memory.temporaries;
    this.#isAlone = client.platform === "cpu" && this.#temporaries >= LARGE;
    if (this.#isAlone) releaseFreed(); // what compiling has left would lie beside the temporaries
  }

  #withExecutable<T>(use: (executable: Pointer) => T): T {
    const { api } = this.#client;
    const executable = api
      .call("LoadedExecutable_GetExecutable", { loaded_executable: this.#handle })
      .pointer("executable");
    try {
      return use(executable);
    } finally {
      api.destroy("Executable", executable);
    }
  }

  get disposed(): boolean {
    return this.#disposed || this.#client.owner.closed;
  }

  get #handle(): Pointer {
    if (this.disposed) {
      throw new OcelliError("disposed", "the executable has been disposed.");
    }
    return this.#holding.handle;
  }

  /**
   * Starts a run over inputs that lie on each device, [input][device]; the outputs' buffers, [output][device], are
   * pending. Donated inputs listed in `keep` are copied instead.
   */
  start(inputs: readonly (readonly Pointer[])[], keep: readonly number[] = []): Pointer[][] {
    if (this.#isAlone) this.#takeTurn();
    const devices = this.#devices;
    const options = new Struct("ExecuteOptions", {
      non_donatable_input_indices: BigInt64Array.from(keep, BigInt),
      num_non_donatable_input_indices: keep.length,
    });
    const each = Array.from({ length: devices }, (_, i) => i);
    const given = each.map((i) => new PointerList(inputs.map((buffers) => buffers[i])));
    const made = each.map(() => new PointerList(this.#outputs));
    const lists = [given, made].map(
      (parts) => new PointerList(parts.map(({ words }) => addressOf(words))),
    );
    const events = new PointerList(devices);
    this.#client.api.call("LoadedExecutable_Execute", {
      executable: this.#handle,
      options,
      argument_lists: lists[0].words,
      num_devices: devices,
      num_args: inputs.length,
      output_lists: lists[1].words,
      device_complete_events: events.words,
    });
    const { owner } = this.#client;
    const settled = events.toArray().map((done) => owner.settle(done, given));
    // a failed run shows where its outputs are read
    this.#inFlight.push(Promise.allSettled(settled));
    const outputs = made.map((list) => list.toArray());
    return Array.from({ length: this.#outputs }, (_, k) => each.map((i) => outputs[i][k]));
  }

  /**
   * Gives back what the temporaries of another large program have left, into which those of this one may not fit, and
   * what two runs of this one have left that overlapped since the first was slow to free its own.
   */
  #takeTurn(): void {
    const last = this.#client.lastLarge?.deref();
    this.#client.lastLarge = new WeakRef(this);
    if (last !== this) {
      if (last) releaseFreed();
      this.#resident = Infinity; // before its temporaries were there, or those of others
      return;
    }
    const resident = process.memoryUsage.rss();
    const isTwice = resident > this.#resident + this.#temporaries / 2;
    if (isTwice) releaseFreed();
    this.#resident = isTwice ? Infinity : Math.min(this.#resident, resident);
  }

  /** Resolves when few enough runs are under way to start the next. */
  async ready(): Promise<void> {
    const limit = this.#isAlone ? 1 : RUNS_IN_FLIGHT;
    while (this.#inFlight.length >= limit) await this.#inFlight.shift();
    if (this.#isAlone) await setTimeout(1); // XLA says that a run is over, then frees its temporaries
  }

  /** The program as it was optimised, as a serialised HloModuleProto; maybe with a configuration around it. */
  get optimized(): { readonly format: string; readonly code: Uint8Array } {
    return this.#withExecutable((executable) => {
      const { api } = this.#client;
      const program = new Struct("Program");
      api.call("Executable_OptimizedProgram", { executable, program });
      const code = stableBytes(program.number("code_size"));
      const size = program.number("code_size");
      const filled = new Struct("Program", { code, code_size: size });
      api.call("Executable_OptimizedProgram", { executable, program: filled });
      return { format: filled.text("format"), code: code.subarray(0, size) };
    });
  }

  get memory(): ExecutableMemory {
    return this.#withExecutable((executable) => {
      const stats = this.#client.api.call("Executable_GetCompiledMemoryStats", { executable });
      return {
        arguments: stats.number("argument_size_in_bytes"),
        outputs: stats.number("output_size_in_bytes"),
        aliased: stats.number("alias_size_in_bytes"),
        temporaries: stats.number("temp_size_in_bytes"),
        code: stats.number("generated_code_size_in_bytes"),
      };
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#client.owner.release(this.#holding);
  }
}
