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
import { XlaArray } from "./pjrt/array.ts";
import type { Client } from "./pjrt/client.ts";
import type { ExecutableMemory, LoadedExecutable } from "./pjrt/executable.ts";
import type { Module } from "./stablehlo/module.ts";

/** What an executable is made of. */
export interface XlaExecutableParts {
  readonly client: Client;
  readonly loaded: LoadedExecutable;
  readonly name: string;
  readonly inputs: readonly Spec[];
  readonly outputs: readonly Spec[];
  readonly donate: readonly number[];
  readonly prints: Module["prints"];
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

  async run(arrays: readonly ArrayLike[]): Promise<DeviceArray[]> {
    const { client, loaded, name, inputs, outputs, donate, prints } = this.#parts;
    checkInputs(name, inputs, arrays);
    const uploaded: XlaArray[] = [];
    const operands = arrays.map((array) => {
      if (isDeviceArray(array)) return this.#own(array);
      const copy = new XlaArray(client, client.uploadNow(array), array);
      uploaded.push(copy);
      return copy;
    });
    const given = donate.map((i) => operands[i]);
    const reused = donate.filter(
      (i) => operands.indexOf(operands[i]) !== operands.lastIndexOf(operands[i]),
    );
    const buffers = loaded.start(
      operands.map((operand) => operand.use(name)),
      reused,
    );
    for (const array of given) array.donate();
    for (const array of uploaded) array.dispose();
    const specs = [...outputs, ...prints.map(({ spec }) => spec)];
    const results = buffers.map((buffer, i) => new XlaArray(client, buffer, specs[i]));
    await loaded.ready();
    await this.#print(results.splice(outputs.length));
    return results;
  }

  #own(array: DeviceArray): XlaArray {
    if (array instanceof XlaArray && array.client === this.#parts.client) return array;
    throw new OcelliError(
      "argument",
      `${this.#parts.name}: an array of another engine was given; read it and pass the host array.`,
    );
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
