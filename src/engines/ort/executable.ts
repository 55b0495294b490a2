/** @file Compiled programs of the ort engine: a session, where its outputs go, and runs that may be queued. */

import { OcelliError } from "../../errors.ts";
import { debugSink } from "../../graph/ops/barrier.ts";
import type { Spec } from "../../graph/tensor.ts";
import { decode } from "../../graph/values.ts";
import {
  type ArrayLike,
  type DeviceArray,
  type Executable,
  checkInputs,
  isDeviceArray,
} from "../engine.ts";
import { OrtArray } from "./array.ts";
import type { LoweredProgram } from "./lower/program.ts";
import type { Runtime, RuntimeBuffer, RuntimeSession } from "./runtime/runtime.ts";

/** Runs that may wait in the queue before `run` holds its caller back. */
const MAX_PENDING = 2;

/** What an executable is made of. */
export interface ExecutableParts {
  readonly name: string;
  readonly runtime: Runtime;
  /** None where no output has to be computed. */
  readonly session: RuntimeSession | undefined;
  readonly lowered: LoweredProgram;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly donate: readonly number[];
  /** For outputs of the graph, the program's input whose buffer they take. */
  readonly aliases: ReadonlyMap<number, number>;
}

/** Buffers that wait for the next run's outputs, by type; no more than one run can use. */
class Spares {
  readonly #lists = new Map<
    string,
    { readonly limit: number; readonly buffers: RuntimeBuffer[] }
  >();

  constructor(outputs: readonly Spec[]) {
    for (const output of outputs) {
      const key = keyOf(output);
      this.#lists.set(key, { limit: (this.#lists.get(key)?.limit ?? 0) + 1, buffers: [] });
    }
  }

  take(spec: Spec): RuntimeBuffer | undefined {
    return this.#lists.get(keyOf(spec))?.buffers.pop();
  }

  give(buffer: RuntimeBuffer): void {
    const list = this.#lists.get(keyOf(buffer));
    if (list && list.buffers.length < list.limit) list.buffers.push(buffer);
    else buffer.dispose();
  }

  dispose(): void {
    for (const { buffers } of this.#lists.values()) {
      for (const buffer of buffers.splice(0)) buffer.dispose();
    }
  }
}

const keyOf = ({ dtype, shape }: Spec): string => `${dtype}[${shape.join()}]`;

/** A program in a session. */
export class OrtExecutable implements Executable {
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly #parts: ExecutableParts;
  readonly #aliases: ReadonlyMap<number, number>;
  readonly #spares: Spares;
  readonly #pending = new Set<Promise<void>>();
  #disposed = false;

  constructor(parts: ExecutableParts) {
    this.#parts = parts;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.#aliases = parts.aliases;
    this.#spares = new Spares(
      parts.lowered.graph.outputs.filter((_, i) => !this.#aliases.has(i)) as Spec[],
    );
  }

  /** How many outputs are written over donated inputs; the other ones alternate between two buffers. */
  get aliased(): number {
    return this.#aliases.size;
  }

  async run(arrays: readonly ArrayLike[]): Promise<DeviceArray[]> {
    const { name, runtime, session, lowered, donate } = this.#parts;
    if (this.#disposed) throw new OcelliError("disposed", `${name} has been disposed of.`);
    checkInputs(name, this.inputs, arrays);
    const uploaded = new Map<number, RuntimeBuffer>();
    const buffers = arrays.map((array, i) => {
      if (isDeviceArray(array)) return (array as OrtArray).use(name);
      const buffer = runtime.upload(array);
      uploaded.set(i, buffer);
      return buffer;
    });
    const ours = this.#takeOver(arrays, buffers, uploaded, donate);

    const targets = lowered.graph.outputs.map((spec, i) => {
      const input = this.#aliases.get(i);
      const given = input === undefined ? undefined : ours.get(input);
      if (given) ours.delete(input!);
      const { dtype, shape } = spec as Spec;
      return given ?? this.#spares.take({ dtype, shape }) ?? runtime.allocate(dtype, shape);
    });
    if (session) {
      this.#track(
        session.run(
          lowered.inputs.map((input) => buffers[input]),
          targets,
        ),
      );
    }
    const outputs = lowered.outputs.map(async (source): Promise<DeviceArray> => {
      if (source.from === "graph") return new OrtArray(targets[source.index]);
      if (source.from === "constant") return new OrtArray(runtime.upload(source.value));
      const given = ours.get(source.index);
      ours.delete(source.index);
      if (given) return new OrtArray(given);
      return new OrtArray(runtime.upload(await buffers[source.index].read()));
    });
    for (const buffer of ours.values()) this.#spares.give(buffer);
    const printed = this.#print(targets);
    const results = await Promise.all(outputs);
    await printed;
    while (this.#pending.size > MAX_PENDING) await Promise.race(this.#pending);
    return results;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#spares.dispose();
    void this.#parts.session?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Takes donated buffers from their handles and uploaded ones from nobody: by input, those that only one input uses.
   * The others are given back once the run is done.
   */
  #takeOver(
    arrays: readonly ArrayLike[],
    buffers: readonly RuntimeBuffer[],
    uploaded: ReadonlyMap<number, RuntimeBuffer>,
    donate: readonly number[],
  ): Map<number, RuntimeBuffer> {
    const donated = donate.filter((i) => !uploaded.has(i));
    const ours = new Map(uploaded);
    for (const i of donated) {
      const buffer = buffers[i];
      const isShared = buffers.indexOf(buffer) !== buffers.lastIndexOf(buffer);
      const array = arrays[i] as OrtArray;
      if (array.disposed) continue; // given twice
      array.donate();
      if (!isShared) ours.set(i, buffer);
      else queueMicrotask(() => buffer.dispose()); // after the run has been queued, which keeps it
    }
    return ours;
  }

  /** Remembers a queued run. Whoever reads its outputs hears of its failure. */
  #track(run: Promise<void>): void {
    const settled: Promise<void> = run
      .catch(() => undefined)
      .then(() => void this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  async #print(targets: readonly RuntimeBuffer[]): Promise<void> {
    for (const { label, source } of this.#parts.lowered.prints) {
      const isGraph = source.from === "graph";
      debugSink.write(label, decode(isGraph ? await targets[source.index].read() : source.value));
      if (isGraph) targets[source.index].dispose();
    }
  }
}
