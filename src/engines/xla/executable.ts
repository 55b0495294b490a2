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
    const specs = [...outputs, ...prints.map(({ spec }) => spec)];
    const results = buffers.map((parts, i) => {
      return new XlaArray(devices, parts, specs[i], placements.outputs[i]);
    });
    await loaded.ready();
    await this.#print(results.splice(outputs.length));
    return results;
  }

  /** Runs a step; where the memory does not suffice, the error names the program's largest values. */
  #explained<T>(start: () => T): T {
    try {
      return start();
    } catch (error) {
      if (!(error instanceof OcelliError && error.message.includes("does not fit"))) throw error;
      const { temporaries, arguments: given } = this.memory;
      const largest = largestValues(this.instructions).join("; ");
      throw new OcelliError(
        "engine",
        `${this.#parts.name} takes ${showBytes(given)} of arguments and ${showBytes(temporaries)} of temporaries; its largest values: ${largest}. ${error.message}`,
        { cause: error },
      );
    }
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
