/** @file Programs compiled by XLA, as the engines' contract has them. */

import { OcelliError } from "../../errors.ts";
import { debugSink } from "../../graph/index.ts";
import type { Spec } from "../../graph/tensor.ts";
import { decode } from "../../graph/values.ts";
import {
  type ArrayLike,
  type DeviceArray,
  type Executable,
  checkInputs,
  isDeviceArray,
} from "../engine.ts";
import { type Placement, samePlacement, showPlacement } from "../mesh.ts";
import type { Devices } from "./devices.ts";
import { type Instruction, largestValues, readInstructions, showBytes } from "./hlo.ts";
import { MEMORY_HINT, NO_MEMORY } from "./pjrt/api.ts";
import { XlaArray } from "./pjrt/array.ts";
import type { ExecutableMemory, LoadedExecutable } from "./pjrt/executable.ts";
import type { Module } from "./stablehlo/module.ts";

/** What an executable is made of. */
export interface XlaExecutableParts {
  readonly devices: Devices;
  readonly loaded: LoadedExecutable;
  readonly name: string;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly donate: readonly number[];
  readonly prints: Module["prints"];
  /** How inputs and outputs are split over the mesh; undefined without one. */
  readonly placements: {
    readonly inputs: readonly (Placement | undefined)[];
    readonly outputs: readonly (Placement | undefined)[];
  };
}

/** A program on XLA. */
export class XlaExecutable implements Executable {
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly #parts: XlaExecutableParts;

  constructor(parts: XlaExecutableParts) {
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.#parts = parts;
  }

  /** Bytes that it takes on the device. */
  get memory(): ExecutableMemory {
    return this.#parts.loaded.memory;
  }

  /** The optimised program's instructions: what crosses between devices, what is large. */
  get instructions(): Instruction[] {
    return readInstructions(this.#parts.loaded.optimized);
  }

  async run(arrays: readonly ArrayLike[]): Promise<DeviceArray[]> {
    const { devices, loaded, name, inputs, outputs, donate, prints, placements } = this.#parts;
    checkInputs(name, inputs, arrays);
    const uploaded: XlaArray[] = [];
    const operands = arrays.map((array, i) => {
      const placement = placements.inputs[i];
      if (isDeviceArray(array)) return this.#own(array, i);
      const copy = new XlaArray(devices, devices.uploadNow(array, placement), array, placement);
      uploaded.push(copy);
      return copy;
    });
    const given = donate.map((i) => operands[i]);
    const reused = donate.filter(
      (i) => operands.indexOf(operands[i]) !== operands.lastIndexOf(operands[i]),
    );
    const handles = operands.map((operand) => operand.use(name));
    const buffers = this.#explained(() => loaded.start(handles, reused));
    for (const array of given) array.donate();
    for (const array of uploaded) array.dispose();
    const maker = new WeakRef(this);
    const specs = [...outputs, ...prints.map(({ spec }) => spec)];
    const results = buffers.map((parts, i) => {
      return new XlaArray(devices, parts, specs[i], placements.outputs[i], maker);
    });
    await loaded.ready();
    await this.#print(results.splice(outputs.length));
    return results;
  }

  /** Runs a step; where the memory does not suffice, the error says what takes it. */
  #explained<T>(start: () => T): T {
    try {
      return start();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** Where an error is one of memory, another one that names the program's largest values; else the error itself. */
  explain(error: unknown): unknown {
    const isMemory = error instanceof OcelliError && error.message.includes(NO_MEMORY);
    if (!isMemory || this.#parts.loaded.disposed) return error;
    return new OcelliError("engine", `${this.#needs()} ${error.message}`, { cause: error });
  }

  /** What it takes of memory, in one sentence. */
  #needs(): string {
    const { temporaries, arguments: given } = this.memory;
    const largest = largestValues(this.instructions).join("; ");
    const takes = `${showBytes(given)} of arguments and ${showBytes(temporaries)} of temporaries`;
    return `${this.#parts.name} takes ${takes}; its largest values: ${largest}.`;
  }

  /** An error where it takes more than a number of bytes: a system would rather end the process than say no. */
  checkFits(limit: number): void {
    const { arguments: given, outputs, aliased, temporaries } = this.memory;
    const bytes = (given + outputs - aliased + temporaries) * this.#parts.devices.count;
    if (bytes <= limit) return;
    const [needed, there] = [bytes, limit].map(showBytes);
    throw new OcelliError("engine", `${this.#needs()} It needs ${needed}; there are ${there}.`, {
      hint: MEMORY_HINT,
    });
  }

  /** An array of this engine, split as the program takes it. */
  #own(array: DeviceArray, i: number): XlaArray {
    const { name, devices, placements } = this.#parts;
    if (!(array instanceof XlaArray && array.devices === devices)) {
      throw new OcelliError(
        "argument",
        `${name}: an array of another engine was given; read it and pass the host array.`,
      );
    }
    const expected = placements.inputs[i];
    if (expected && array.sharding && !samePlacement(expected, array.sharding)) {
      const [is, should] = [array.sharding, expected].map(showPlacement);
      throw new OcelliError(
        "argument",
        `${name}: input ${i} is split as ${is} where ${should} is taken.`,
      );
    }
    return array;
  }

  async #print(values: readonly XlaArray[]): Promise<void> {
    for (const [i, value] of values.entries()) {
      debugSink.write(this.#parts.prints[i].label, decode(await value.read()));
      value.dispose();
    }
  }

  dispose(): void {
    this.#parts.loaded.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
