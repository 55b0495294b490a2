/** @file What a client must outlive: its buffers, executables and pending work. */

import type { PjrtApi } from "./api.ts";
import type { Pointer } from "./struct.ts";

/** A handle that is destroyed once: when released, when forgotten, or with its client. */
export interface Holding {
  readonly kind: "Buffer" | "LoadedExecutable";
  readonly handle: Pointer;
}

/**
 * Keeps what belongs to a client, so that it ends in order: pending work first, then handles, then the client.
 * A process that exits without disposing of its engine goes the same way, or native threads would outlive their memory.
 */
export class Owner {
  readonly #api: PjrtApi;
  readonly #client: Pointer;
  readonly #holdings = new Set<Holding>();
  /** Events not settled yet, each with the memory that their work writes. */
  readonly #pending = new Map<Pointer, unknown>();
  readonly #settling = new Set<Promise<void>>();
  readonly #forgotten = new FinalizationRegistry<Holding>((holding) => this.release(holding));
  readonly #atExit = (): void => this.#closeNow();
  closed = false;

  constructor(api: PjrtApi, client: Pointer) {
    this.#api = api;
    this.#client = client;
    process.once("exit", this.#atExit);
  }

  /** The number of live handles. */
  get size(): number {
    return this.#holdings.size;
  }

  /** Takes a handle over on behalf of an object, and destroys it at the latest when that is collected. */
  hold(kind: Holding["kind"], handle: Pointer, object: object): Holding {
    const holding = { kind, handle };
    this.#holdings.add(holding);
    this.#forgotten.register(object, holding, holding);
    return holding;
  }

  release(holding: Holding): void {
    if (!this.#holdings.delete(holding)) return;
    this.#forgotten.unregister(holding);
    this.#api.destroy(holding.kind, holding.handle);
  }

  /** Waits for an event without blocking; `memory` lives as long as it takes. */
  settle(event: Pointer, memory?: unknown): Promise<void> {
    this.#pending.set(event, memory);
    const settled = this.#api.settle(event).finally(() => {
      this.#pending.delete(event);
      this.#settling.delete(settled);
    });
    this.#settling.add(settled);
    return settled;
  }

  /** Ends all in order. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.allSettled(this.#settling);
    this.#destroyAll();
  }

  #closeNow(): void {
    this.closed = true;
    for (const event of this.#pending.keys()) {
      try {
        this.#api.call("Event_Await", { event });
      } catch {
        // the process ends: nobody is left to hear of a failed run
      }
    }
    this.#destroyAll();
  }

  #destroyAll(): void {
    process.off("exit", this.#atExit);
    for (const holding of [...this.#holdings]) this.release(holding);
    this.#api.destroy("Client", this.#client);
  }
}
